import Foundation

/// A line as swift-log's stream handler writes it:
/// `2026-11-21T03:27:51+0000 info sw-listener: api.address=127.0.0.1:41233 [Listener] control API listening`.
package struct LogLine: Sendable, CustomStringConvertible {
    package let description: String

    package init(_ text: String) {
        description = text
    }

    /// The level's name; `nil` when the line is not of that form, such as the one error line of a bad start.
    package var level: String? {
        let words = description.split(separator: " ", maxSplits: 3)
        guard words.count == 4, words[0].contains("T"), words[2].hasSuffix(":") else { return nil }
        return Self.levels.contains(String(words[1])) ? String(words[1]) : nil
    }

    /// The value of a metadata key. It ends where the next ` key=` or the ` [Target]` starts, so it may hold spaces.
    package func metadata(_ key: String) throws -> String {
        let padded = " " + description
        guard let start = padded.range(of: " \(key)=") else {
            throw ProcessError.noMetadata(key: key, line: description)
        }
        let rest = padded[start.upperBound...]
        let end = rest.range(of: #" ([A-Za-z][A-Za-z0-9_.\-]*=|\[[A-Za-z]+\] )"#, options: .regularExpression)
        return String(rest[..<(end?.lowerBound ?? rest.endIndex)])
    }

    private static let levels: Set = ["trace", "debug", "info", "notice", "warning", "error", "critical"]
}
