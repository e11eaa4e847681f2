import Glibc
import NIOCore

/// Tries whether a TCP address is free to listen on.
enum StreamSocketProbe {
    /// Binds, and lets go at once.
    /// - Returns: 0, or the errno value that listening would meet.
    static func bind(to address: SocketAddress) -> CInt {
        let family = address.protocol == .inet6 ? AF_INET6 : AF_INET
        let descriptor = socket(family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return errno }
        defer { close(descriptor) }
        var yes: CInt = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<CInt>.size))
        let bound = address.withSockAddr { Glibc.bind(descriptor, $0, socklen_t($1)) == 0 }
        guard bound, listen(descriptor, 1) == 0 else { return errno }
        return 0
    }
}
