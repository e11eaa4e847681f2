/// A host and a port, as tests hand them to sockets and to the control API.
package struct HostPort: Hashable, Sendable, CustomStringConvertible {
    package let host: String
    package let port: Int

    package init(host: String = "127.0.0.1", port: Int) {
        self.host = host
        self.port = port
    }

    /// Parses `127.0.0.1:80` or `[::1]:80`, as the log lines write it.
    package init(parsing text: String) throws {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]) else {
            throw SocketError.malformed("not an address with a port: \(text)")
        }
        host = String(text[..<colon]).filter { $0 != "[" && $0 != "]" }
        self.port = port
    }

    package var description: String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}
