internal import CDatagram
internal import Glibc
package import NIOCore

/// A bound UDP socket on its way to becoming a channel: ``take()`` passes it on, otherwise `deinit` closes it.
package final class DatagramSocket {
    /// What both directions may hold in the kernel, in bytes: bursts of a batch of 64 KB runs must fit.
    static let bufferBytes: Int32 = 4 * 1024 * 1024

    /// The kernel's limits (sysctl) that keep the socket's buffers smaller than bursts want them: packets will be lost at
    /// high speed. Empty as a rule for root.
    let cappedBy: [String]
    let descriptor: CInt
    private var isOwned = true

    /// - Parameter address: where to bind; an IPv6 wildcard takes IPv4 too; port 0 takes any free port.
    /// - Throws: `IOError` of the system call that failed.
    package init(binding address: SocketAddress) throws(IOError) {
        let family: CInt = address.protocol == .inet6 ? AF_INET6 : AF_INET
        descriptor = socket(family, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard descriptor >= 0 else { throw IOError(errnoCode: errno, reason: "socket") }
        let receives = Self.setBuffer(descriptor, SO_RCVBUFFORCE, SO_RCVBUF)
        let sends = Self.setBuffer(descriptor, SO_SNDBUFFORCE, SO_SNDBUF)
        cappedBy = (receives ? [] : ["net.core.rmem_max"]) + (sends ? [] : ["net.core.wmem_max"])
        if family == AF_INET6 {
            // A preference: a kernel that refuses it still carries datagrams.
            _ = Self.setOption(descriptor, CInt(IPPROTO_IPV6), IPV6_V6ONLY, 0)
        }
        let mtuError = warp_datagram_forbid_fragments(descriptor, family)
        guard mtuError == 0 else { throw failure(mtuError, "IP_MTU_DISCOVER") }
        let bound = address.withSockAddr { pointer, length in bind(descriptor, pointer, socklen_t(length)) }
        guard bound == 0 else { throw failure(errno, "bind") }
    }

    deinit {
        if isOwned {
            close(descriptor)
        }
    }

    /// Passes the descriptor to a channel, which closes it.
    func take() -> CInt {
        isOwned = false
        return descriptor
    }

    /// Whether the kernel gives the whole buffer. A process with CAP_NET_ADMIN is not bound to the limit.
    private static func setBuffer(_ descriptor: CInt, _ force: CInt, _ wish: CInt) -> Bool {
        let level = CInt(SOL_SOCKET)
        if setOption(descriptor, level, force, bufferBytes) { return true }
        _ = setOption(descriptor, level, wish, bufferBytes)
        var granted: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(descriptor, level, wish, &granted, &length)
        return granted >= 2 * bufferBytes  // socket(7): the kernel doubles it, for its bookkeeping
    }

    private static func setOption(_ descriptor: CInt, _ level: CInt, _ name: CInt, _ value: Int32) -> Bool {
        var value = value
        return setsockopt(descriptor, level, name, &value, socklen_t(MemoryLayout<Int32>.size)) == 0
    }

    private func failure(_ code: CInt, _ call: String) -> IOError {
        isOwned = false
        close(descriptor)
        return IOError(errnoCode: code, reason: call)
    }
}

@available(*, unavailable)
extension DatagramSocket: Sendable {}
