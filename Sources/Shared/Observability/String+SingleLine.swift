extension String {
    /// This text made fit for one line of a log or terminal: untrusted text can neither start a new line nor steer the
    /// terminal nor flood it.
    ///
    /// Control, format and line-separating characters become `U+FFFD`; text beyond `limit` characters becomes an ellipsis.
    ///
    /// - Parameter limit: The greatest number of characters that are kept, at least 1.
    package func singleLine(limit: Int) -> String {
        var result = String.UnicodeScalarView()
        var kept = 0
        for scalar in unicodeScalars {
            guard kept < limit else {
                result.append("…")
                break
            }
            result.append(scalar.breaksLineOrDisplay ? "\u{FFFD}" : scalar)
            kept += 1
        }
        return String(result)
    }
}

extension Unicode.Scalar {
    /// Whether the scalar is a control character (RFC 20's, DEL, or C1).
    package var isControl: Bool {
        properties.generalCategory == .control
    }

    fileprivate var breaksLineOrDisplay: Bool {
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }
}
