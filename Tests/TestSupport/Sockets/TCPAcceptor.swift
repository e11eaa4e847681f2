import Glibc

/// A listening TCP socket in the hand of a test, which accepts by itself: the target of a relay, or a port in use.
package final class TCPAcceptor: Sendable {
    package let endpoint: HostPort
    private let socket: SocketDescriptor

    /// Listens on a numeric address; port 0 takes any free one.
    ///
    /// - Parameter backlog: how many connections the kernel keeps until they are accepted.
    package init(on endpoint: HostPort = HostPort(port: 0), backlog: Int32 = 1024) throws {
        let address = try SocketAddress(endpoint)
        socket = try SocketDescriptor(for: address, kind: SOCK_STREAM)
        try socket.bind(to: address)
        guard listen(try socket.number(), backlog) == 0 else {
            throw SocketError.system(call: "listen", errno: errno)
        }
        self.endpoint = HostPort(host: endpoint.host, port: try SocketAddress.boundPort(of: try socket.number()))
    }

    /// Waits for the next connection.
    package func accept(timeout: Duration = Deadline.patience) throws -> TCPPeer {
        let deadline = Deadline.after(timeout)
        while true {
            if let accepted = try acceptWaiting() { return try TCPPeer(adopting: accepted) }
            guard try socket.wait(for: POLLIN, until: deadline) != 0 else {
                throw SocketError.timedOut("accept on \(endpoint)")
            }
        }
    }

    /// The next connection that already waits, if any.
    func acceptWaiting() throws -> SocketDescriptor? {
        let number = try socket.number()
        let accepted = DescriptorInheritance.prevented { [Glibc.accept(number, nil, nil)] }
        if let descriptor = accepted.first, descriptor >= 0 { return SocketDescriptor(adopting: descriptor) }
        guard errno == EAGAIN || errno == EINTR || errno == ECONNABORTED else {
            throw SocketError.system(call: "accept", errno: errno)
        }
        return nil
    }

    /// The number of the socket, for `poll`.
    func number() throws -> Int32 {
        try socket.number()
    }

    /// Stops listening; connections not yet accepted are reset.
    package func close() {
        socket.close()
    }
}
