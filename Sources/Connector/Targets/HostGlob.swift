import Shared

/// A pattern for host names, in which `*` stands for any characters, none and dots among them.
struct HostGlob: Hashable, Sendable {
    /// What stands between the stars, in order; a name without a star is one piece.
    private let pieces: [ArraySlice<UInt8>]

    init(_ text: some StringProtocol) throws(TargetRuleError) {
        for scalar in text.unicodeScalars where !Self.isAllowed(scalar) {
            throw .forbiddenCharacter(Character(scalar))
        }
        guard !Self.looksLikeAddress(text) else { throw .malformedIPv4 }
        let pieces = HostName(text).bytes.split(separator: UInt8(ascii: "*"), omittingEmptySubsequences: false)
        guard pieces.reduce(0, { $0 + $1.count }) <= TargetAddress.maxHostBytes else { throw .nameTooLong }
        self.pieces = pieces
    }

    /// Whether there is nothing but stars.
    var matchesEverything: Bool {
        pieces.count > 1 && pieces.allSatisfy(\.isEmpty)
    }

    func matches(_ name: HostName) -> Bool {
        guard let first = pieces.first, let last = pieces.last, pieces.count > 1 else {
            return pieces.first?.elementsEqual(name.bytes) ?? false
        }
        guard name.bytes.count >= first.count + last.count, name.bytes.starts(with: first),
            name.bytes.suffix(last.count).elementsEqual(last)
        else {
            return false
        }
        // The leftmost place of each piece leaves the most room for the next, so no other need be tried.
        var rest = name.bytes.dropFirst(first.count).dropLast(last.count)
        for piece in pieces.dropFirst().dropLast() {
            guard let behind = Self.end(ofFirst: piece, in: rest) else { return false }
            rest = rest[behind...]
        }
        return true
    }

    private static func end(ofFirst piece: ArraySlice<UInt8>, in bytes: ArraySlice<UInt8>) -> Int? {
        var rest = bytes
        while rest.count >= piece.count {
            if rest.starts(with: piece) { return rest.startIndex + piece.count }
            rest = rest.dropFirst()
        }
        return nil
    }

    /// Letters, digits, `-`, `_`, dots and stars; and what a name that is not ASCII may have.
    private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
        guard scalar.isASCII else {
            return !scalar.isControl && !scalar.isWhitespace
        }
        return switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "-", "_", ".", "*": true
        default: false
        }
    }

    /// Whether the last label is a number, which no name's is (RFC 1123 §2.1), or there are only digits, dots and stars: an
    /// address that went wrong, or a pattern of addresses, which would silently match nothing.
    private static func looksLikeAddress(_ text: some StringProtocol) -> Bool {
        let bytes = HostName(text).bytes
        let isDigit = { (byte: UInt8) in UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte }
        guard bytes.contains(where: isDigit) else { return false }
        if bytes.allSatisfy({ isDigit($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "*") }) { return true }
        let lastLabel = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).last ?? []
        return !lastLabel.isEmpty && lastLabel.allSatisfy(isDigit)
    }
}
