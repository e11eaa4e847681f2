import TestSupport
import Testing

/// A connector that dies is replaced by the next one, and its forwards never close.
@Suite("Recovery: the connector crashes", .loneEndToEnd)
struct ConnectorCrashTests {
    /// From the replacement's start to the first visitor that it serves. One second of it is the sign of life that the
    /// listener asks of the dead.
    private static let replacementTime = Duration.seconds(2)
    private static let download = "d"

    @Test(arguments: TunnelProtocol.allCases)
    func itsReplacementServesTheSamePortSoon(applicationProtocol: TunnelProtocol) async throws {
        let target = try Self.targetOnDemand()
        let options = Tunnel.Options { $0.connector.applicationProtocol = applicationProtocol }
        try await withTunnel(options) { tunnel in
            let port = try tunnel.open(target.endpoint)
            let old = try tunnel.visit(port)
            try old.send(Self.download)
            _ = try old.receive(exactly: 1_000_000)
            async let oldEnd = old.receiveToEnd(atMost: 1 << 30).end

            tunnel.connector.process.kill()
            _ = try tunnel.connector.process.waitForExit()
            // Somebody comes all the time, and somebody must listen all the time.
            let isOver = Monitor(false)
            async let crowd = Self.visitAgainAndAgain(port, until: isOver)
            defer { isOver.withLock { $0 = true } }

            let deadline = Deadline.after(try tunnel.listener.process.allow(Self.replacementTime))
            let next = try ConnectorFixture(options.connector, listenerPort: tunnel.listener.quicEndpoint.port)
            try EchoVisit.untilServed(port, until: deadline)
            isOver.withLock { $0 = true }

            // Who was given to the dead connector is told so, and never gets an end that looks like an answer.
            #expect(try await oldEnd == .reset)
            let visits = try await crowd
            #expect(visits.count > 5)
            for visit in visits { _ = try visit.outcome(until: .after(Deadline.patience)) }
            #expect(try tunnel.listener.conditions() == [.served(port)])
            #expect(tunnel.listener.process.lines(containing: "forward closed").isEmpty)
            #expect(next.process.isRunning)
        }
    }

    @Test func visitorsThatComeAfterItsDeathWaitForItsReplacement() async throws {
        let target = try EchoServer()
        let options = Tunnel.Options {
            $0.listener.environment = ["SWL_KEEP_ALIVE": "1", "SWL_DEAD_AFTER": "2"]
        }
        try await withTunnel(options) { tunnel in
            let port = try tunnel.open(target.endpoint)
            try tunnel.checkEcho(through: port)
            tunnel.connector.process.kill()
            try tunnel.listener.process.waitForLine(containing: "session ended")
            try Self.checkThatVisitorsWait(tunnel, port)
        }
    }

    @Test func visitorsThatComeAfterItsEndWaitForItsSuccessor() async throws {
        let target = try EchoServer()
        try await withTunnel { tunnel in
            let port = try tunnel.open(target.endpoint)
            try tunnel.checkEcho(through: port)
            tunnel.connector.process.terminate()
            try tunnel.listener.process.waitForLine(containing: "session ended")
            try Self.checkThatVisitorsWait(tunnel, port)
        }
    }

    /// Visits a port without a session, starts a connector, and expects that all visitors are served.
    private static func checkThatVisitorsWait(_ tunnel: Tunnel, _ port: Int) throws {
        #expect(try tunnel.listener.conditions().map(\.sessionUp) == [false])
        let visits = try (0..<20).map { _ in try EchoVisit(port) }
        let next = try ConnectorFixture(listenerPort: tunnel.listener.quicEndpoint.port)
        let deadline = Deadline.after(Deadline.patience)
        for visit in visits { #expect(try visit.outcome(until: deadline) == .served) }
        #expect(try tunnel.listener.conditions() == [.served(port)])
        #expect(next.process.isRunning)
    }

    /// Visits `port` every few milliseconds; throws as soon as nobody listens there.
    private static func visitAgainAndAgain(_ port: Int, until isOver: Monitor<Bool>) throws -> [EchoVisit] {
        var visits: [EchoVisit] = []
        _ = try Polling.wait {
            visits.append(try EchoVisit(port))
            return isOver.withLock { $0 }
        }
        return visits
    }

    /// A target that sends without end to whoever asks for it, and otherwise sends back what it gets.
    private static func targetOnDemand() throws -> TargetServer {
        try TargetServer { peer in
            let first = try peer.receive(exactly: 1)
            guard first != Array(download.utf8) else {
                try peer.sendUntilReset()
                return
            }
            try peer.send(first + peer.receiveToEnd().bytes)
        }
    }
}
