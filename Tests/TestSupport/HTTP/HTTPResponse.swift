import Foundation

/// An answer of the control API.
package struct HTTPResponse: Sendable {
    package let status: Int
    package let body: String
    private let head: HTTPHead

    /// Reads the answer to a request that asked for the connection to be closed after it.
    init(from peer: TCPPeer, timeout: Duration) throws {
        head = try HTTPHead(from: peer, timeout: timeout)
        let words = head.startLine.split(separator: " ")
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else {
            throw SocketError.malformed("not an HTTP status line: \(head.startLine)")
        }
        self.status = status
        if let text = head.field("Content-Length"), let length = Int(text) {
            body = String(decoding: try peer.receive(exactly: length, timeout: timeout), as: UTF8.self)
        } else if head.field("Transfer-Encoding")?.lowercased() == "chunked" {
            body = try Self.chunkedBody(from: peer, timeout: timeout)
        } else {
            body = String(decoding: try peer.receiveToEnd(timeout: timeout).bytes, as: UTF8.self)
        }
    }

    package func field(_ name: String) -> String? {
        head.field(name)
    }

    /// The body as JSON with members in snake_case.
    package func decoded<Value: Decodable>(as type: Value.Type) throws -> Value {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(type, from: Data(body.utf8))
    }

    private static func chunkedBody(from peer: TCPPeer, timeout: Duration) throws -> String {
        var bytes: [UInt8] = []
        while true {
            var line: [UInt8] = []
            while line.suffix(2) != Array("\r\n".utf8)[...] {
                line += try peer.receive(exactly: 1, timeout: timeout)
            }
            let digits = String(decoding: line, as: UTF8.self).prefix(while: \.isHexDigit)
            guard let size = Int(digits, radix: 16) else { throw SocketError.malformed("not a chunk size") }
            let chunk = try peer.receive(exactly: size + 2, timeout: timeout)
            if size == 0 { return String(decoding: bytes, as: UTF8.self) }
            bytes += chunk.dropLast(2)
        }
    }
}
