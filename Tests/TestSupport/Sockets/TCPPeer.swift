import Glibc
import Synchronization

/// One end of a TCP connection in the hand of a test: a visitor, or what a target accepted.
///
/// Every call blocks its thread until it is done or its deadline passes, and then throws. Sending and receiving may run
/// on two threads at once; `close()` and `reset()` only when no other call is under way.
package final class TCPPeer: Sendable {
    /// What is sent or received at once at most.
    static let chunkBytes = 262_144

    let socket: SocketDescriptor
    /// Whether a call has met the peer's RST. The kernel tells it only once, and to other calls as if it were a FIN.
    let sawReset = Atomic(false)

    /// Connects to a numeric address.
    package init(connectingTo endpoint: HostPort, timeout: Duration = Deadline.patience) throws {
        let address = try SocketAddress(endpoint)
        let socket = try SocketDescriptor(for: address, kind: SOCK_STREAM)
        let number = try socket.number()
        if address.withPointer({ connect(number, $0, $1) }) != 0 {
            guard errno == EINPROGRESS else { throw SocketError.system(call: "connect", errno: errno) }
            guard try socket.wait(for: POLLOUT, until: .after(timeout)) != 0 else {
                throw SocketError.timedOut("connect to \(endpoint)")
            }
            var code: Int32 = 0
            var length = socklen_t(MemoryLayout<Int32>.size)
            getsockopt(number, SOL_SOCKET, SO_ERROR, &code, &length)
            // Refused is another code: this is a connection that was made and then reset before anybody looked.
            sawReset.store(code == ECONNRESET, ordering: .relaxed)
            guard code == 0 || code == ECONNRESET else { throw SocketError.system(call: "connect", errno: code) }
        }
        self.socket = socket
        try sendWithoutDelay()
    }

    init(adopting socket: SocketDescriptor) throws {
        self.socket = socket
        try sendWithoutDelay()
    }

    /// Ends both directions. As in any program: FIN, or RST if something was received and not read.
    package func close() {
        socket.close()
    }

    /// Aborts the connection: the peer gets an RST.
    package func reset() throws {
        var linger = linger(l_onoff: 1, l_linger: 0)
        let number = try socket.number()
        guard setsockopt(number, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger))) == 0
        else { throw SocketError.system(call: "setsockopt", errno: errno) }
        socket.close()
    }

    /// Ends the direction towards the peer (FIN); the other one goes on.
    package func finish() throws {
        guard shutdown(try socket.number(), Int32(SHUT_WR)) == 0 else { throw SocketError.afterCall("shutdown") }
    }

    /// Ends both directions in a way that also releases another thread's call on this peer, which throws then.
    package func abandon() {
        guard let number = try? socket.number() else { return }
        shutdown(number, Int32(SHUT_RDWR))
    }

    /// The error for `errno`, after a call that failed.
    func failure(of call: String) -> SocketError {
        let error = SocketError.afterCall(call)
        if case .reset = error { sawReset.store(true, ordering: .relaxed) }
        return error
    }

    private func sendWithoutDelay() throws {
        try socket.setOption(level: Int32(IPPROTO_TCP), TCP_NODELAY, to: 1)
    }
}
