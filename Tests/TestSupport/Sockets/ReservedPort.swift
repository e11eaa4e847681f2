import Glibc

/// A port that is bound and stays so, but on which nothing listens: who connects is refused, and nobody else gets it.
package final class ReservedPort: Sendable {
    package let endpoint: HostPort
    private let socket: SocketDescriptor

    /// Which protocol's port it is.
    package enum Kind: Sendable {
        case tcp, udp
    }

    package init(_ kind: Kind = .tcp, host: String = "127.0.0.1") throws {
        let address = try SocketAddress(HostPort(host: host, port: 0))
        socket = try SocketDescriptor(for: address, kind: kind == .tcp ? SOCK_STREAM : SOCK_DGRAM)
        try socket.bind(to: address)
        endpoint = HostPort(host: host, port: try SocketAddress.boundPort(of: try socket.number()))
    }

    /// Waits until a datagram has come, and leaves it unread.
    package func waitForDatagram(timeout: Duration = Deadline.patience) throws {
        guard try socket.wait(for: POLLIN, until: .after(timeout)) != 0 else {
            throw SocketError.timedOut("a datagram to \(endpoint)")
        }
    }
}
