import TestSupport
import Testing

/// A connector never gives up a listener that may come yet.
@Suite("Recovery: reconnect", .endToEnd)
struct ReconnectTests {
    @Test(arguments: TunnelProtocol.allCases)
    func aConnectorMayBeStartedBeforeItsListener(applicationProtocol: TunnelProtocol) throws {
        let place = try ListenerPlace()
        let options = ConnectorFixture.Options(speaking: applicationProtocol)
        let connector = try ConnectorFixture(options, listenerPort: place.port)
        // Its first attempt fails.
        try connector.process.waitForLine(containing: "dialling again soon")
        let listener = try place.start()
        try listener.waitForSession(uid: "client-a")
        try connector.waitUntilConnected()
        let target = try EchoServer()
        let port = try listener.openFixed(target: target.endpoint)
        try EchoVisit.untilServed(port, until: .after(Deadline.patience))
    }

    @Test func aNameThatDoesNotResolveIsTriedAgain() throws {
        var options = ConnectorFixture.Options()
        // Never a name (RFC 6761 §6.4).
        options.serverName = "listener.invalid"
        let connector = try ConnectorFixture(options, listenerPort: try FixedPort.next())
        let complaint = try connector.process.waitForLine(containing: "does not resolve")
        #expect(complaint.level == "warning")
        #expect(complaint.description.contains("listener.invalid"))
        let isTriedAgain = Polling.wait { connector.process.lines(containing: "does not resolve").count >= 2 }
        #expect(isTriedAgain, "\(connector.process.recentLog)")
        connector.process.terminate()
        try connector.process.expectExit(0)
    }

    @Test func aConnectorThatWaitsForItsListenerEndsAtOnce() throws {
        let connector = try ConnectorFixture(listenerPort: try FixedPort.next())
        try connector.process.waitForLine(containing: "dialling again soon")
        connector.process.terminate()
        try connector.process.expectExit(0)
        try connector.process.waitForLine(containing: "stopped")
    }
}
