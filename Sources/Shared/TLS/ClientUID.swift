/// The identity of a connector, taken from its verified client certificate or given by the SCEP server for it.
///
/// 1 to 255 UTF-8 bytes without control characters and without white space at either end, so that it can be logged,
/// listed and compared without surprise.
package struct ClientUID: Sendable {
    /// The greatest length, in UTF-8 bytes: what one length octet can say, and four times what a certificate's
    /// common name may hold (RFC 5280 appendix A.1, `ub-common-name`).
    package static let maxBytes = 255

    package let text: String

    /// - Throws: ``ClientUIDError`` with the first rule that `text` breaks.
    package init(_ text: String) throws(ClientUIDError) {
        guard let first = text.unicodeScalars.first, let last = text.unicodeScalars.last else {
            throw .empty
        }
        guard text.utf8.count <= Self.maxBytes else {
            throw .tooLong(bytes: text.utf8.count)
        }
        guard !text.unicodeScalars.contains(where: \.isControl) else {
            throw .controlCharacter
        }
        guard !first.isWhitespace, !last.isWhitespace else {
            throw .surroundingWhitespace
        }
        self.text = text
    }
}

extension ClientUID: Hashable {
    /// Identities are equal when their bytes are. `String` would also equate different encodings of the same glyphs,
    /// which would let one certificate pass for another.
    package static func == (lhs: ClientUID, rhs: ClientUID) -> Bool {
        lhs.text.utf8.elementsEqual(rhs.text.utf8)
    }

    package func hash(into hasher: inout Hasher) {
        for byte in text.utf8 {
            hasher.combine(byte)
        }
        hasher.combine(0xFF as UInt8)
    }
}

extension ClientUID: CustomStringConvertible {
    package var description: String { text }
}

/// Why a text is no ``ClientUID``; the description completes the sentence "the client UID …".
package enum ClientUIDError: Error, Hashable, CustomStringConvertible {
    case empty
    case tooLong(bytes: Int)
    case controlCharacter
    case surroundingWhitespace

    package var description: String {
        switch self {
        case .empty: "is empty"
        case .tooLong(let bytes): "has \(bytes) bytes, and at most \(ClientUID.maxBytes) are allowed"
        case .controlCharacter: "contains a control character"
        case .surroundingWhitespace: "begins or ends with white space"
        }
    }
}
