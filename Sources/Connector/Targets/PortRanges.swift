/// Ports, as a rule has them behind its host: `80,443,8000-8999`.
struct PortRanges: Hashable, Sendable {
    static let all = PortRanges([1...UInt16.max])

    private let ranges: [ClosedRange<UInt16>]

    private init(_ ranges: [ClosedRange<UInt16>]) {
        self.ranges = ranges
    }

    /// - Parameter text: Ports from 1 to 65,535 and ranges of them, with commas between.
    init(_ text: Substring) throws(TargetRuleError) {
        guard !text.isEmpty else { throw .portsMissing }
        var ranges: [ClosedRange<UInt16>] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            ranges.append(try Self.range(part))
        }
        self.ranges = ranges
    }

    func contains(_ port: UInt16) -> Bool {
        ranges.contains { $0.contains(port) }
    }

    private static func range(_ text: Substring) throws(TargetRuleError) -> ClosedRange<UInt16> {
        let ends = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false).map(port)
        guard let first = ends.first ?? nil, let last = ends.last ?? nil else {
            throw .malformedPorts(String(text))
        }
        guard first <= last else { throw .reversedPorts(String(text)) }
        return first...last
    }

    private static func port(_ text: Substring) -> UInt16? {
        // `UInt16("+80")` is a number too, but no port that anybody writes.
        guard text.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }), let port = UInt16(text), port > 0
        else {
            return nil
        }
        return port
    }
}
