extension String {
    /// This text made fit for one line of a log or terminal: untrusted text can neither start a new line nor steer the
    /// terminal nor flood it.
    ///
    /// Control, format and line-separating characters become `U+FFFD`; text that is longer than `limit` ends in an
    /// ellipsis.
    ///
    /// - Parameter limit: The greatest number of bytes (UTF-8) that the result has, ellipsis and all; at least 3.
    package func singleLine(limit: Int) -> String {
        var result = String.UnicodeScalarView()
        var bytes = 0
        var cut = result.endIndex
        for scalar in unicodeScalars {
            let printed = scalar.breaksLineOrDisplay ? Unicode.Scalar.replacement : scalar
            if bytes + UTF8.width(.ellipsis) <= limit { cut = result.endIndex }
            bytes += UTF8.width(printed)
            guard bytes <= limit else {
                result.removeSubrange(cut...)
                result.append(.ellipsis)
                break
            }
            result.append(printed)
        }
        return String(result)
    }
}

extension Unicode.Scalar {
    fileprivate static let replacement: Unicode.Scalar = "\u{FFFD}"
    fileprivate static let ellipsis: Unicode.Scalar = "…"

    /// Whether the scalar is a control character (RFC 20's, DEL, or C1).
    package var isControl: Bool {
        value < 0x20 || 0x7F...0x9F ~= value
    }

    /// Whether the scalar is white space (Unicode's White_Space), without a look at Unicode's tables for ASCII.
    package var isWhitespace: Bool {
        isASCII ? value == 0x20 || 0x09...0x0D ~= value : properties.isWhitespace
    }

    fileprivate var breaksLineOrDisplay: Bool {
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }
}
