import TestSupport
import Testing

/// A tunnel whose connector lives in a network of its own and has two cables: one to the listener, whose troubles are
/// the test's subject, and one to the targets, which stays well.
///
/// ```
///  visitor ── listener ── [LossyPath] ══ uplink ══ connector ══ inside ══ target
///             the tests' network namespace    │   its own   │   the tests' again
/// ```
final class DistantTunnel: Sendable {
    /// What to start it with.
    struct Options: Sendable {
        var listener = ListenerFixture.Options()
        var connector = ConnectorFixture.Options()
        /// What is on the way to the listener; `nil` is nothing but the cable.
        var path: LossyPath.Conditions?

        init() {}

        /// The defaults with one or more things changed.
        init(_ change: (inout Options) -> Void) {
            change(&self)
        }
    }

    let network: NetworkNamespace
    let uplink: NetworkLink
    let path: LossyPath?
    let listener: ListenerFixture
    let connector: ConnectorFixture
    private let inside: NetworkLink
    private let uid: String

    fileprivate init(_ options: Options) throws {
        let network = try NetworkNamespace()
        let uplink = try network.link()
        var listenerOptions = options.listener
        var connectorOptions = options.connector
        listenerOptions.certificate.alternativeNames.append("IP:\(uplink.outerAddress)")
        listenerOptions.environment["SWL_ADDRS"] = options.path == nil ? "0.0.0.0" : "127.0.0.1"
        connectorOptions.serverName = uplink.outerAddress
        connectorOptions.network = network

        self.network = network
        self.uplink = uplink
        inside = try network.link()
        uid = connectorOptions.certificate.commonName
        listener = try ListenerFixture(listenerOptions)
        let endpoint = listener.quicEndpoint
        path = try options.path.map { try LossyPath(from: uplink.outerAddress, to: endpoint, $0) }
        connector = try ConnectorFixture(connectorOptions, listenerPort: path?.endpoint.port ?? endpoint.port)
        try connector.waitUntilConnected()
        try listener.waitForSession(uid: uid)
    }

    /// Opens a forward to a target that the test holds, and connects both ends through it.
    func relay() throws -> (visitor: TCPPeer, target: TCPPeer) {
        let acceptor = try TCPAcceptor(on: HostPort(host: inside.outerAddress, port: 0))
        let port = try listener.open(uid: uid, target: acceptor.endpoint)
        let visitor = try TCPPeer(connectingTo: HostPort(port: port))
        return (visitor, try acceptor.accept())
    }

    /// How often the listener has admitted the connector. One means that its first session still lives, or has had no
    /// successor.
    var sessionCount: Int { listener.process.lines(containing: "session admitted").count }

    /// Ends the programs and makes sure that each ends well, whatever the test did to the network.
    fileprivate func shutDown() throws {
        for process in [connector.process, listener.process] {
            process.terminate()
            try process.expectExit(0)
        }
    }
}

/// Runs `body` with a distant tunnel, then shuts its programs down and checks that they ended cleanly.
func withDistantTunnel(
    _ options: DistantTunnel.Options = DistantTunnel.Options(),
    _ body: (DistantTunnel) async throws -> Void
) async throws {
    let tunnel = try DistantTunnel(options)
    do {
        try await body(tunnel)
    } catch {
        throw DistantTunnelFailure(error, [tunnel.listener.process, tunnel.connector.process])
    }
    try tunnel.shutDown()
}

/// What went wrong during a test, with what both programs wrote.
private struct DistantTunnelFailure: Error, CustomStringConvertible {
    let description: String

    init(_ error: any Error, _ processes: [DaemonProcess]) {
        description = (["\(error)"] + processes.map(\.recentLog)).joined(separator: "\n")
    }
}
