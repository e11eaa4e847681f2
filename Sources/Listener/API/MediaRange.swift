/// One element of an `Accept` field, or the value of a `Content-Type`: a type and how much it is wanted.
struct MediaRange: Hashable {
    /// In lower case, without parameters: `application/json`, `text/*`, `*/*`.
    let type: String
    /// 0 (not acceptable) to 1.
    let quality: Double

    /// RFC 9110 §12.5.1: `type/subtype *( ; parameter )`; the parameter `q` is the quality.
    init(_ text: some StringProtocol) {
        let parts = text.split(separator: ";", omittingEmptySubsequences: false).map { $0.trimmed.lowercased() }
        type = parts.first ?? ""
        let weight = parts.dropFirst().first { $0.hasPrefix("q=") }.map { Double($0.dropFirst(2)) ?? 0 } ?? 1
        quality = min(max(weight, 0), 1)
    }

    /// Whether the sender of these `Accept` fields would rather have JSON than text.
    ///
    /// In a tie, as without the field, it gets text: that is what the original sends.
    static func prefersJSON(accept fields: [String]) -> Bool {
        let ranges = fields.flatMap { $0.split(separator: ",") }.map { MediaRange($0) }
        return quality(of: "application/json", in: ranges) > quality(of: "text/plain", in: ranges)
    }

    /// The quality of the most specific range that `type` is in; 0 if there is none.
    private static func quality(of type: String, in ranges: [MediaRange]) -> Double {
        let family = type.prefix(while: { $0 != "/" }) + "/*"
        for candidate in [type, String(family), "*/*"] {
            if let range = ranges.first(where: { $0.type == candidate }) {
                return range.quality
            }
        }
        return 0
    }
}

extension StringProtocol {
    /// Without RFC 9110 §5.6.3's optional white space at either end.
    fileprivate var trimmed: String {
        let isSpace = { (character: Character) in character == " " || character == "\t" }
        let start = firstIndex { !isSpace($0) } ?? endIndex
        let end = lastIndex { !isSpace($0) }.map { index(after: $0) } ?? endIndex
        return String(self[start..<end])
    }
}
