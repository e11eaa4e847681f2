import TestSupport
import Testing

/// A listener that is stopped and started again, as at an update, loses nothing.
@Suite("Recovery: the listener is restarted", .endToEnd)
struct ListenerRestartTests {
    @Test(arguments: TunnelProtocol.allCases)
    func forwardsAndConnectorsAreBack(applicationProtocol: TunnelProtocol) async throws {
        let target = try EchoServer()
        let place = try ListenerPlace()
        let stopped = try place.start()
        let options = ConnectorFixture.Options(speaking: applicationProtocol)
        let connector = try ConnectorFixture(options, listenerPort: place.port)
        try stopped.waitForSession(uid: "client-a")
        let ports = try (0..<3).map { _ in try stopped.openFixed(target: target.endpoint) }
        let closed = try stopped.openFixed(target: target.endpoint)
        #expect(try stopped.api.close(port: closed).status == 200)
        let forwards = try stopped.api.list()

        stopped.process.terminate()
        try stopped.process.expectExit(0)
        try connector.process.waitForLine(containing: "connection to the listener lost")
        let listener = try place.start()
        // Who comes before the connector waits for it.
        let visits = try ports.map { try EchoVisit($0) }
        let deadline = Deadline.after(Deadline.patience)
        for visit in visits { #expect(try visit.outcome(until: deadline) == .served) }

        #expect(try listener.restoredPorts() == Set(ports))
        #expect(try listener.api.list() == forwards)
        #expect(try listener.conditions() == ports.sorted().map { .served($0) })
        #expect(throws: SocketError.self) { try EchoVisit(closed) }
        let wait = try connector.process.waitForLine(containing: "dialling again soon").metadata("wait")
        let milliseconds = try #require(wait.split(separator: " ").first.flatMap { Int($0) })
        // The original's protocol cannot say when to come back.
        let comeBackAfter = applicationProtocol == .warp ? 1000 : 0
        #expect((comeBackAfter...comeBackAfter + 200).contains(milliseconds))
        #expect(connector.process.isRunning)
    }

    @Test func aTransferUnderWayIsFinishedFirst() async throws {
        let place = try ListenerPlace(["SWL_DRAIN": "60"])
        let stopped = try place.start()
        let connector = try ConnectorFixture(listenerPort: place.port)
        try stopped.waitForSession(uid: "client-a")
        let acceptor = try TCPAcceptor()
        let port = try stopped.openFixed(target: acceptor.endpoint)
        let visitor = try TCPPeer(connectingTo: HostPort(port: port))
        let accepted = try acceptor.accept()
        try await transfer(BytePattern(byteCount: 1000, seed: 1), from: visitor, to: accepted)

        stopped.process.terminate()
        try connector.process.waitForLine(containing: "the listener is going away")
        #expect(throws: SocketError.self) { try EchoVisit(port) }
        try await transfer(BytePattern(byteCount: 10_000_000, seed: 2), from: accepted, to: visitor)
        try stopped.process.expectExit(0)

        let listener = try place.start()
        let next = try TCPPeer(connectingTo: HostPort(port: port))
        try await transfer(BytePattern(byteCount: 1000, seed: 3), from: next, to: try acceptor.accept())
        #expect(try listener.conditions() == [.served(port)])
        #expect(connector.process.isRunning)
    }
}
