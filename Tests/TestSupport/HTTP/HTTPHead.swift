import Foundation

/// The start line and the fields of an HTTP/1.1 message.
package struct HTTPHead: Sendable {
    private static let maxBytes = 65_536

    package let startLine: String
    private let fields: [(name: String, value: String)]

    /// Reads a head from a connection, byte by byte so that no byte of the body is taken.
    package init(from peer: TCPPeer, timeout: Duration = Deadline.patience) throws {
        let deadline = Deadline.after(timeout)
        var bytes: [UInt8] = []
        let end = Array("\r\n\r\n".utf8)
        while bytes.suffix(end.count) != end[...] {
            guard bytes.count < Self.maxBytes else { throw SocketError.malformed("an HTTP head without end") }
            bytes += try peer.receive(exactly: 1, timeout: deadline.remaining)
        }
        let lines = String(decoding: bytes, as: UTF8.self).components(separatedBy: "\r\n")
        startLine = lines[0]
        fields = lines.dropFirst().compactMap { line in
            guard let colon = line.firstIndex(of: ":") else { return nil }
            return (line[..<colon].lowercased(), line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces))
        }
    }

    /// The value of the first field of that name, whatever its case.
    package func field(_ name: String) -> String? {
        fields.first { $0.name == name.lowercased() }?.value
    }
}
