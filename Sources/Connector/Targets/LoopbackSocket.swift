import Glibc
import NIOCore
import Shared

/// Connects to targets on this machine without a turn of the event loop: their kernel is ours, and answers within
/// connect(2).
enum LoopbackSocket {
    /// - Returns: a connected socket that the caller closes, and that a close ends with RST; nil when the address is another
    ///   machine's, or when the target does not answer at once because its backlog is full.
    /// - Throws: `IOError` of the system call that failed.
    static func connected(to address: SocketAddress) throws(IOError) -> CInt? {
        guard IPAddress(address)?.isLoopback == true else { return nil }
        let family: CInt = address.protocol == .inet6 ? AF_INET6 : AF_INET
        let type = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let descriptor = socket(family, type, 0)
        guard descriptor >= 0 else { throw IOError(errnoCode: errno, reason: "socket") }
        linger.set(aborts: true, on: descriptor)
        var error = connect(descriptor, to: address)
        if error == EINPROGRESS {
            // The handshake is done by now, though the first call was not to wait for it: the second one tells.
            error = connect(descriptor, to: address)
        }
        if error != 0 {
            close(descriptor)
        }
        switch error {
        case 0: return descriptor
        case EALREADY: return nil
        default: throw IOError(errnoCode: error, reason: "connect")
        }
    }

    /// - Returns: 0 or an errno value.
    private static func connect(_ descriptor: CInt, to address: SocketAddress) -> CInt {
        address.withSockAddr { pointer, length in
            Glibc.connect(descriptor, pointer, socklen_t(length)) == 0 ? 0 : errno
        }
    }
}
