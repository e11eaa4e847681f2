import TestSupport
import Testing

/// A listener that is killed and started again goes on where it was: nobody calls `/open`, and no connector is restarted.
@Suite("Recovery: the listener crashes", .loneEndToEnd)
struct ListenerCrashTests {
    /// From the listener's start to the first visitor that is served.
    private static let recoveryTime = Duration.seconds(3)
    /// Longer than a lost packet waits to be sent again: after such a silence both ends have nothing to say until the next
    /// sign of life, which is due after ten seconds.
    private static let silence = Duration.seconds(2)

    @Test(arguments: TunnelProtocol.allCases)
    func anIdleConnectorIsBackSoon(applicationProtocol: TunnelProtocol) async throws {
        let target = try EchoServer()
        let place = try ListenerPlace()
        let crashed = try place.start()
        let options = ConnectorFixture.Options(speaking: applicationProtocol)
        let connector = try ConnectorFixture(options, listenerPort: place.port)
        try crashed.waitForSession(uid: "client-a")
        let ports = try (0..<3).map { _ in try crashed.openFixed(target: target.endpoint) }
        for port in ports { try EchoVisit.untilServed(port, until: .after(Deadline.patience)) }
        #expect(!Polling.wait(timeout: Self.silence) { !connector.process.isRunning })

        let time = try crashed.process.allow(Self.recoveryTime)
        crashed.process.kill()
        _ = try crashed.process.waitForExit()
        let deadline = Deadline.after(time)
        async let starting = place.start()
        let visit = try EchoVisit.first(ports[0], until: deadline)
        #expect(try visit.outcome(until: deadline) == .served)
        for port in ports { try EchoVisit.untilServed(port, until: deadline) }

        let listener = try await starting
        #expect(try listener.conditions() == ports.sorted().map { .served($0) })
        // The ports were there first.
        #expect(try listener.restoredPorts() == Set(ports))
        let log = listener.process.errorLines
        let admission = try #require(log.firstIndex { $0.contains("session admitted") })
        #expect(try #require(log.lastIndex { $0.contains("forward restored") }) < admission)
        #expect(listener.process.lines(containing: "state lost").isEmpty)
        // The connector had nothing to send: it was told, unasked.
        let lost = try connector.process.waitForLine(containing: "connection to the listener lost")
        #expect(try lost.metadata("reason").contains("stateless reset"))
        #expect(Self.waitUntilConnected(connector, count: 2))
        #expect(connector.process.isRunning)
    }

    @Test(arguments: TunnelProtocol.allCases)
    func whoWasServedIsResetAndCanComeAgain(applicationProtocol: TunnelProtocol) async throws {
        let place = try ListenerPlace()
        let crashed = try place.start()
        let options = ConnectorFixture.Options(speaking: applicationProtocol)
        let connector = try ConnectorFixture(options, listenerPort: place.port)
        try crashed.waitForSession(uid: "client-a")
        let acceptor = try TCPAcceptor()
        let port = try crashed.openFixed(target: acceptor.endpoint)
        let visitor = try TCPPeer(connectingTo: HostPort(port: port))
        let accepted = try acceptor.accept()
        let flood = BytePattern(byteCount: 1_000_000, seed: 1)
        async let sent: Void = visitor.sendUntilReset()
        _ = try accepted.receive(exactly: flood.byteCount)

        crashed.process.kill()
        try await sent
        let listener = try place.start()
        // The target's side ends when the connector learns of it: bytes, then a reset.
        #expect(try accepted.receiveToEnd().end == .reset)
        let next = try TCPPeer(connectingTo: HostPort(port: port))
        try await transfer(flood, from: next, to: try acceptor.accept())
        #expect(try listener.conditions() == [.served(port)])
        #expect(connector.process.isRunning)
    }

    @Test func aConnectorSurvivesOneDeathAfterAnother() throws {
        let target = try EchoServer()
        let place = try ListenerPlace()
        var listener = try place.start()
        let connector = try ConnectorFixture(listenerPort: place.port)
        try listener.waitForSession(uid: "client-a")
        let port = try listener.openFixed(target: target.endpoint)
        for count in 1...3 {
            // The welcome may still be on its way when its session serves already.
            #expect(Self.waitUntilConnected(connector, count: count))
            listener.process.kill()
            _ = try listener.process.waitForExit()
            listener = try place.start()
            try EchoVisit.untilServed(port, until: .after(Deadline.patience))
        }
        #expect(Self.waitUntilConnected(connector, count: 4))
        #expect(connector.process.isRunning)
    }

    /// Waits until a connector has said `count` times that it is connected, which it may do after its first relay.
    ///
    /// - Returns: whether it has said so exactly as often.
    private static func waitUntilConnected(_ connector: ConnectorFixture, count: Int) -> Bool {
        let lineCount = { connector.process.lines(containing: "connected to the listener").count }
        return Polling.wait { lineCount() >= count } && lineCount() == count
    }
}
