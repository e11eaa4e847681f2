import Glibc
import NIOCore
import NIOPosix

/// Finds the addresses of the listener.
enum ListenerResolver {
    /// - Returns: every address of `host`, in the system's order of preference (RFC 6724); empty when it has none.
    static func addresses(of host: String, port: UInt16) async throws -> [SocketAddress] {
        // getaddrinfo(3) blocks, for many seconds on a bad day; one thread for one question, gone afterwards.
        let pool = NIOThreadPool(numberOfThreads: 1)
        pool.start()
        let addresses = try await pool.runIfActive { resolve(host, port) }
        try await pool.shutdownGracefully()
        return addresses
    }

    private static func resolve(_ host: String, _ port: UInt16) -> [SocketAddress] {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, String(port), &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var addresses: [SocketAddress] = []
        var cursor = list
        while let entry = cursor?.pointee {
            let address = UnsafeRawPointer(entry.ai_addr)
            switch entry.ai_family {
            case AF_INET:
                address.map { addresses.append(SocketAddress($0.loadUnaligned(as: sockaddr_in.self))) }
            case AF_INET6:
                address.map { addresses.append(SocketAddress($0.loadUnaligned(as: sockaddr_in6.self))) }
            default:
                break
            }
            cursor = entry.ai_next
        }
        return addresses
    }
}
