package import NIOCore

extension SocketAddress {
    /// The address as people write it and log lines carry it: `127.0.0.1:80`, `[::1]:80`.
    package var hostAndPort: String {
        guard let host = ipAddress, let port else {
            return "\(self)"
        }
        return self.protocol == .inet6 ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}
