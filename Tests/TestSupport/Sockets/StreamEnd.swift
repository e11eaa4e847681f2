/// How a TCP peer ended the direction towards this end.
package enum StreamEnd: Equatable, Sendable {
    /// FIN: all was sent.
    case finished
    /// RST: the peer aborted.
    case reset
}

/// All that came until the peer ended its direction, and how it ended.
package struct Received: Equatable, Sendable, CustomStringConvertible {
    package let bytes: [UInt8]
    package let end: StreamEnd

    package init(_ bytes: [UInt8] = [], _ end: StreamEnd) {
        self.bytes = bytes
        self.end = end
    }

    package init(_ text: String, _ end: StreamEnd) {
        self.init(Array(text.utf8), end)
    }

    /// Short, since a failed expectation prints it.
    package var description: String {
        let start = String(decoding: bytes.prefix(80), as: UTF8.self).debugDescription
        return "\(bytes.count) bytes \(start), then \(end)"
    }
}
