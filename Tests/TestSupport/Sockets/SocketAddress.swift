import Glibc

/// A numeric IPv4 or IPv6 address with a port, in the form of the socket calls.
struct SocketAddress {
    private var storage = sockaddr_storage()
    private var length: socklen_t = 0

    /// - Throws: when `endpoint.host` is not a numeric address; tests never resolve names.
    init(_ endpoint: HostPort) throws {
        let port = in_port_t(truncatingIfNeeded: endpoint.port).bigEndian
        var v4 = sockaddr_in()
        var v6 = sockaddr_in6()
        if inet_pton(AF_INET, endpoint.host, &v4.sin_addr) == 1 {
            v4.sin_family = sa_family_t(AF_INET)
            v4.sin_port = port
            store(v4)
        } else if inet_pton(AF_INET6, endpoint.host, &v6.sin6_addr) == 1 {
            v6.sin6_family = sa_family_t(AF_INET6)
            v6.sin6_port = port
            store(v6)
        } else {
            throw SocketError.malformed("not a numeric address: \(endpoint.host)")
        }
    }

    /// The port that `descriptor` is bound to.
    static func boundPort(of descriptor: Int32) throws -> Int {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let code = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        guard code == 0 else { throw SocketError.system(call: "getsockname", errno: errno) }
        // The port lies at the same place in both families.
        let port = withUnsafeBytes(of: storage) { $0.load(fromByteOffset: 2, as: in_port_t.self) }
        return Int(in_port_t(bigEndian: port))
    }

    var family: Int32 { Int32(storage.ss_family) }

    /// Calls `body` with the address as `connect`, `bind` and `sendto` want it.
    func withPointer<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        withUnsafePointer(to: storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
        }
    }

    private mutating func store<Address>(_ address: Address) {
        withUnsafeMutableBytes(of: &storage) { storage in
            withUnsafeBytes(of: address) { storage.copyMemory(from: $0) }
        }
        length = socklen_t(MemoryLayout<Address>.size)
    }
}
