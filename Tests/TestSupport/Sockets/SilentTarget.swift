/// A target that never answers a connection attempt: its backlog is full, so the kernel drops every further SYN.
package final class SilentTarget: Sendable {
    /// Far more than a backlog of 0 holds; reaching it means that the kernel does not behave as this type needs.
    private static let maxFillers = 16
    /// How long an attempt stays unanswered until the backlog counts as full. On loopback an answer takes microseconds.
    private static let silence = Duration.milliseconds(500)

    package var endpoint: HostPort { acceptor.endpoint }
    private let acceptor: TCPAcceptor
    private let fillers: [TCPPeer]

    package init() throws {
        let acceptor = try TCPAcceptor(backlog: 0)
        var fillers: [TCPPeer] = []
        do {
            while fillers.count < Self.maxFillers {
                fillers.append(try TCPPeer(connectingTo: acceptor.endpoint, timeout: Self.silence))
            }
            throw SocketError.malformed("the kernel answers \(fillers.count) connections with a backlog of 0")
        } catch SocketError.timedOut {
            self.acceptor = acceptor
            self.fillers = fillers
        }
    }
}
