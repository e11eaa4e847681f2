package import Glibc
package import NIOCore

extension ChannelHandlerContext {
    /// Closes the TCP connection with RST: the other end sees that what it got is not everything.
    ///
    /// What the kernel has not sent yet is lost with it (tcp(7), SO_LINGER with a timeout of 0).
    package func abort() {
        channel.abort()
    }
}

extension Channel {
    /// Closes the TCP connection with RST. Must be called on the channel's event loop.
    package func abort() {
        setAborts(true)
        close(mode: .all, promise: nil)
    }

    /// Sets whether a close of the TCP connection, whoever makes it, is one with RST: also the system's, when the process
    /// ends. Must be called on the channel's event loop.
    package func setAborts(_ aborts: Bool) {
        // Fails when the channel is closed already: then there is nobody left to tell.
        _ = (self as? any SocketOptionProvider)?.setSoLinger(linger(aborts: aborts))
    }
}

extension linger {
    /// - Parameter aborts: whether close(2) discards what is unsent and sends RST (tcp(7)).
    init(aborts: Bool) {
        self.init(l_onoff: aborts ? 1 : 0, l_linger: 0)
    }

    /// Sets it for a socket. Fails when the descriptor is none: then there is nobody to tell.
    package static func set(aborts: Bool, on descriptor: CInt) {
        var linger = linger(aborts: aborts)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
    }
}
