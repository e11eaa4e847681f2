internal import CDatagram
internal import Glibc
package import NIOCore

/// A bound UDP socket on its way to becoming a channel: ``take()`` passes it on, otherwise `deinit` closes it.
package final class DatagramSocket {
    /// What both directions may hold in the kernel, in bytes: bursts of a batch of 64 KB runs must fit.
    private static let bufferBytes: Int32 = 4 * 1024 * 1024

    let descriptor: CInt
    private var isOwned = true

    /// - Parameter address: where to bind; an IPv6 wildcard takes IPv4 too; port 0 takes any free port.
    /// - Throws: `IOError` of the system call that failed.
    package init(binding address: SocketAddress) throws(IOError) {
        let family: CInt = address.protocol == .inet6 ? AF_INET6 : AF_INET
        descriptor = socket(family, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard descriptor >= 0 else { throw IOError(errnoCode: errno, reason: "socket") }
        if family == AF_INET6 {
            setOption(IPPROTO_IPV6, IPV6_V6ONLY, 0)
        }
        setOption(CInt(SOL_SOCKET), SO_RCVBUF, Self.bufferBytes)
        setOption(CInt(SOL_SOCKET), SO_SNDBUF, Self.bufferBytes)
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

    // Sizes are wishes and V6ONLY is a preference: a kernel that refuses them still carries datagrams.
    private func setOption(_ level: some BinaryInteger, _ name: CInt, _ value: Int32) {
        var value = value
        _ = setsockopt(descriptor, CInt(level), name, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    private func failure(_ code: CInt, _ call: String) -> IOError {
        isOwned = false
        close(descriptor)
        return IOError(errnoCode: code, reason: call)
    }
}

@available(*, unavailable)
extension DatagramSocket: Sendable {}
