import Glibc
import TestSupport
import Testing

/// One client UID has one session: who gets it, who is told what, and what becomes of visitors meanwhile.
@Suite("Takeover", .endToEnd)
struct TakeoverTests {
    private let target: EchoServer

    init() throws {
        target = try EchoServer()
    }

    // MARK: Two connectors

    @Test(arguments: TunnelProtocol.allCases)
    func aSecondConnectorIsToldWhyAndGetsInWhenTheFirstEnds(applicationProtocol: TunnelProtocol) async throws {
        try await withTunnel(Tunnel.Options(speaking: applicationProtocol)) { tunnel in
            let port = try tunnel.open(target.endpoint)
            let since = try #require(try tunnel.api.sessionStatuses().first).since
            let second = try Self.connector(of: tunnel, applicationProtocol)
            let reason = try second.process.waitForLine(containing: "refused by the listener").metadata("reason")
            #expect(reason.contains(tunnel.uid) && reason.contains(since), "the reason was: \(reason)")
            let refusals = { second.process.lines(containing: "refused by the listener").count }
            #expect(Polling.wait { refusals() >= 3 }, "it does not keep trying")
            try tunnel.checkEcho(through: port)

            tunnel.connector.process.terminate()
            try tunnel.connector.process.expectExit(0)
            try tunnel.listener.waitForSession(uid: tunnel.uid, count: 2)
            try tunnel.checkEcho(through: port)
        }
    }

    @Test(arguments: TunnelProtocol.allCases)
    func withTheNewestWinningTheOldOneIsToldWhy(applicationProtocol: TunnelProtocol) async throws {
        try await withTunnel(Self.options(applicationProtocol, ["SWL_TAKEOVER": "newest"])) { tunnel in
            let port = try tunnel.open(target.endpoint)
            let second = try Self.connector(of: tunnel, applicationProtocol)
            try second.waitUntilConnected()
            let lost = try tunnel.connector.process.waitForLine(containing: "connection to the listener lost")
            #expect(try lost.metadata("reason").contains("took over"))
            try tunnel.connector.process.waitForLine(containing: "dialling again soon")
            let ended = try tunnel.listener.process.waitForLine(containing: "session ended")
            #expect(try ended.metadata("reason").contains("took over"))
            #expect(try ended.metadata("client.uid") == tunnel.uid)
            // Whichever of the two has it just now; the other may take it in the middle of an echo, within milliseconds.
            let isServed = Polling.wait {
                do {
                    try tunnel.checkEcho(through: port)
                    return true
                } catch {
                    return false
                }
            }
            #expect(isServed)
        }
    }

    /// Each takes the UID from the other when it comes back. The backoff keeps that bearable.
    @Test func twoConnectorsThatBothWantToBeTheNewestTakeTurnsSlowly() async throws {
        try await withTunnel(Self.options(.warp, ["SWL_TAKEOVER": "newest"])) { tunnel in
            let second = try Self.connector(of: tunnel, .warp)
            try second.waitUntilConnected()
            let admissions = { tunnel.listener.process.lines(containing: "session admitted").count }
            #expect(Polling.wait { admissions() >= 4 })
            let storm = Polling.wait(timeout: .seconds(5)) { admissions() > Self.mostTakeovers }
            #expect(!storm, "the UID has changed hands \(admissions()) times")
            // Every change is in the log.
            #expect(tunnel.listener.process.lines(containing: "took over").count >= admissions() - 2)
        }
    }

    @Test(arguments: TunnelProtocol.allCases)
    func aFrozenHolderGivesWayAndIsRefusedWhenItThaws(applicationProtocol: TunnelProtocol) async throws {
        try await withTunnel(Self.options(applicationProtocol, ["SWL_TAKEOVER_PROBE": "1"])) { tunnel in
            let port = try tunnel.open(target.endpoint)
            try tunnel.checkEcho(through: port)
            tunnel.connector.process.send(SIGSTOP)
            let start = ContinuousClock.now
            let second = try Self.connector(of: tunnel, applicationProtocol)
            try tunnel.listener.waitForSession(uid: tunnel.uid, count: 2)
            // Long before the frozen one counts as dead by its silence.
            let time = ContinuousClock.now - start
            #expect(time >= .seconds(1) && time < .seconds(10), "it took \(time)")
            try tunnel.checkEcho(through: port)

            tunnel.connector.process.send(SIGCONT)
            let lost = try tunnel.connector.process.waitForLine(containing: "connection to the listener lost")
            #expect(try lost.metadata("reason").contains("took over"))
            try tunnel.connector.process.waitForLine(containing: "refused by the listener")
            try tunnel.checkEcho(through: port)
            #expect(second.process.isRunning)
            #expect(second.process.lines(containing: "connection to the listener lost").isEmpty)
        }
    }

    // MARK: Visitors while there is no session

    @Test func visitorsOfTheGapAreServedByTheNewcomer() async throws {
        let acceptor = try TCPAcceptor()
        try await withTunnel(Self.options(.warp, ["SWL_VISITOR_WAIT": "60"])) { tunnel in
            let (port, other) = (try tunnel.open(target.endpoint), try tunnel.open(acceptor.endpoint))
            try Self.endSession(of: tunnel)

            // One that has said everything, one that says more than is kept for it, one that says nothing yet.
            let brief = try tunnel.visit(port)
            try brief.send("a question")
            try brief.finish()
            let long = try tunnel.visit(other)
            let upload = BytePattern(byteCount: 20_000_000, seed: 1)
            async let sent: Void = long.send(upload, timeout: .seconds(60))
            let silent = try tunnel.visit(port)

            let newcomer = try Self.connector(of: tunnel)
            try brief.expectToReceive(Received("a question", .finished))
            try acceptor.accept().receive(upload, timeout: .seconds(60))
            try await sent
            try silent.send("now")
            #expect(try silent.receive(exactly: 3) == Array("now".utf8))
            #expect(newcomer.process.isRunning)
        }
    }

    @Test func visitorsThatComeWhileTheSessionIsInDoubtAreServedByTheWinner() async throws {
        try await withTunnel(Self.options(.warp, ["SWL_TAKEOVER_PROBE": "2"])) { tunnel in
            let port = try tunnel.open(target.endpoint)
            tunnel.connector.process.send(SIGSTOP)
            let newcomer = try Self.connector(of: tunnel)
            try tunnel.listener.process.waitForLine(containing: "asking for a sign of life")
            try tunnel.checkEcho(through: port)
            #expect(newcomer.process.isRunning)
            tunnel.connector.process.kill()
            _ = try tunnel.connector.process.waitForExit()
        }
    }

    @Test func aVisitorThatWaitsForTooLongIsReset() async throws {
        try await withTunnel(Self.options(.warp, ["SWL_VISITOR_WAIT": "0.3"])) { tunnel in
            let port = try tunnel.open(target.endpoint)
            try Self.endSession(of: tunnel)
            let visitors = try (0..<3).map { _ in try tunnel.visit(port) }
            try visitors[1].send("a question")
            try visitors[2].send("a question")
            try visitors[2].finish()
            for visitor in visitors { try visitor.expectToReceive(Received("", .reset)) }
        }
    }

    @Test func visitorsBeyondTheBoundAreResetAtOnce() async throws {
        let bounds = ["SWL_VISITOR_WAIT": "60", "SWL_MAX_WAITING_VISITORS": "3"]
        try await withTunnel(Self.options(.warp, bounds)) { tunnel in
            let port = try tunnel.open(target.endpoint)
            try Self.endSession(of: tunnel)
            let waiting = try (0..<3).map { _ in try tunnel.visit(port) }
            for _ in 0..<2 { try tunnel.visit(port).expectToReceive(Received("", .reset)) }
            // One that leaves makes room for another, as soon as the listener has noticed.
            try waiting[0].reset()
            let newcomer = try #require(try Self.waitingVisitor(of: port, tunnel))

            let connector = try Self.connector(of: tunnel)
            for visitor in waiting[1...] + [newcomer] {
                try visitor.send("hello")
                #expect(try visitor.receive(exactly: 5) == Array("hello".utf8))
            }
            #expect(connector.process.isRunning)
        }
    }

    @Test func visitorsThatLeaveWhileTheyWaitCostNothing() async throws {
        let count = 100
        // What the listener opens and closes for itself meanwhile.
        let slack = 8
        try await withTunnel(Self.options(.warp, ["SWL_VISITOR_WAIT": "3"])) { tunnel in
            let port = try tunnel.open(target.endpoint)
            try Self.endSession(of: tunnel)
            let listener = ProcessInspection(tunnel.listener.process)
            let idleFiles = try listener.openFileCount()
            let visitors = try (0..<count).map { _ in try tunnel.visit(port) }
            #expect(try Polling.wait { try listener.openFileCount() >= idleFiles + count - slack })
            // An abort is noticed at once. A close looks like a visitor that has said everything and awaits its answer:
            // that one goes when its time is over.
            for (number, visitor) in visitors.enumerated() {
                if number.isMultiple(of: 2) { try visitor.reset() } else { visitor.close() }
            }
            #expect(try Polling.wait { try listener.openFileCount() <= idleFiles + count / 2 + slack })
            #expect(try Polling.wait { try listener.openFileCount() <= idleFiles + slack })

            let newcomer = try Self.connector(of: tunnel)
            try tunnel.checkEcho(through: port)
            #expect(newcomer.process.isRunning)
        }
    }

    // MARK: Private

    /// Without backoff it would be hundreds.
    private static let mostTakeovers = 30

    private static func options(
        _ applicationProtocol: TunnelProtocol,
        _ environment: [String: String]
    ) -> Tunnel.Options {
        Tunnel.Options(speaking: applicationProtocol) { $0.listener.environment = environment }
    }

    /// Another connector with the client UID of the tunnel's.
    private static func connector(
        of tunnel: Tunnel,
        _ applicationProtocol: TunnelProtocol = .warp
    ) throws -> ConnectorFixture {
        var options = ConnectorFixture.Options(uid: tunnel.uid)
        options.applicationProtocol = applicationProtocol
        return try ConnectorFixture(options, listenerPort: tunnel.listener.quicEndpoint.port)
    }

    private static func endSession(of tunnel: Tunnel) throws {
        tunnel.connector.process.terminate()
        try tunnel.listener.process.waitForLine(containing: "session ended")
    }

    /// A visitor that is let in to wait; `nil` when none is for as long as a test has patience.
    private static func waitingVisitor(of port: Int, _ tunnel: Tunnel) throws -> TCPPeer? {
        var accepted: TCPPeer?
        let isThere = try Polling.wait {
            let visitor = try tunnel.visit(port)
            do {
                // Whoever is not reset soon is waiting.
                _ = try visitor.receiveToEnd(timeout: .milliseconds(300))
                return false
            } catch SocketError.timedOut {
                accepted = visitor
                return true
            }
        }
        return isThere ? accepted : nil
    }
}
