/// A listener and a connector, up and connected, as `withTunnel` hands them to a test.
package final class Tunnel: Sendable {
    /// What to start both ends with.
    package struct Options: Sendable {
        package var listener = ListenerFixture.Options()
        package var connector = ConnectorFixture.Options()

        package init() {}

        /// The defaults with one or more things changed.
        package init(_ change: (inout Options) -> Void) {
            change(&self)
        }

        /// The defaults for ends that speak this protocol, with one or more things changed.
        package init(speaking applicationProtocol: TunnelProtocol, _ change: (inout Options) -> Void = { _ in }) {
            connector.applicationProtocol = applicationProtocol
            change(&self)
        }
    }

    package let uid: String
    package let listener: ListenerFixture
    package let connector: ConnectorFixture

    fileprivate init(_ options: Options) throws {
        uid = options.connector.certificate.commonName
        listener = try ListenerFixture(options.listener)
        connector = try ConnectorFixture(options.connector, listenerPort: listener.quicEndpoint.port)
        do {
            try connector.waitUntilConnected()
            try listener.waitForSession(uid: uid)
        } catch {
            throw TunnelFailure(error, listener.process, connector.process)
        }
    }

    package var api: ControlAPIClient { listener.api }

    /// Opens a forward to `target` on a free port and returns the port.
    package func open(_ target: HostPort) throws -> Int {
        try listener.open(uid: uid, target: target)
    }

    /// Connects to a forward's port.
    package func visit(_ port: Int) throws -> TCPPeer {
        try TCPPeer(connectingTo: HostPort(port: port))
    }

    /// Opens a forward to a target that the test holds, and connects both ends through it.
    package func relay() throws -> (visitor: TCPPeer, target: TCPPeer) {
        let acceptor = try TCPAcceptor()
        let visitor = try visit(try open(acceptor.endpoint))
        return (visitor, try acceptor.accept())
    }

    /// Sends a few bytes through a new visitor of a forward to an echo target, and back.
    package func checkEcho(through port: Int) throws {
        let visitor = try visit(port)
        defer { visitor.close() }
        try visitor.send("is this port served?")
        try visitor.finish()
        let received = try visitor.receiveToEnd()
        guard received == Received("is this port served?", .finished) else {
            throw SocketError.malformed("the echo through port \(port) came back as \(received)")
        }
    }

    /// Ends the programs that still run, gently, and makes sure that each ends well, whatever the test did to it.
    fileprivate func shutDown() throws {
        for process in [connector.process, listener.process] where process.isRunning {
            process.terminate()
            let status = try process.waitForExit()
            guard status == .exited(0) else {
                throw ProcessError.failed(command: process.name, exit: status, output: process.recentLog)
            }
        }
    }
}

/// Runs `body` with a tunnel, then shuts both programs down and checks that they ended cleanly.
package func withTunnel(
    _ options: Tunnel.Options = Tunnel.Options(),
    _ body: (Tunnel) async throws -> Void
) async throws {
    let tunnel = try Tunnel(options)
    do {
        try await body(tunnel)
    } catch {
        throw TunnelFailure(error, tunnel.listener.process, tunnel.connector.process)
    }
    try tunnel.shutDown()
}

/// What went wrong during a test, with what both programs wrote.
private struct TunnelFailure: Error, CustomStringConvertible {
    let description: String

    init(_ error: any Error, _ processes: DaemonProcess...) {
        description = (["\(error)"] + processes.map(\.recentLog)).joined(separator: "\n")
    }
}
