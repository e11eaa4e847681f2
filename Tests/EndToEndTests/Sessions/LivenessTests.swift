import Glibc
import TestSupport
import Testing

/// An end that has gone silent is given up, and all is well as soon as it is back.
@Suite("Liveness", .endToEnd)
struct LivenessTests {
    private let target: EchoServer

    init() throws {
        target = try EchoServer()
    }

    @Test func aFrozenConnectorIsGivenUpAndComesBackWhenItThaws() async throws {
        try await withTunnel(Self.options) { tunnel in
            let port = try tunnel.open(target.endpoint)
            let visitor = try tunnel.visit(port)
            try visitor.send("hello")
            #expect(try visitor.receive(exactly: 5) == Array("hello".utf8))

            tunnel.connector.process.send(SIGSTOP)
            let start = ContinuousClock.now
            let ended = try tunnel.listener.process.waitForLine(containing: "session ended")
            try Self.expectToBeInTime(ContinuousClock.now - start)
            #expect(try ended.metadata("reason").contains("idle timeout"))
            try visitor.expectToReceive(Received("", .reset))
            #expect(try tunnel.api.forwardStatuses().first?.sessionUp == false)
            #expect(try tunnel.api.sessionStatuses().isEmpty)

            tunnel.connector.process.send(SIGCONT)
            try tunnel.connector.process.waitForLine(containing: "connection to the listener lost")
            try tunnel.listener.waitForSession(uid: tunnel.uid, count: 2)
            try tunnel.checkEcho(through: port)
        }
    }

    @Test func aFrozenListenerIsGivenUpAndDialledUntilItThaws() async throws {
        try await withTunnel(Self.options) { tunnel in
            let (visitor, served) = try tunnel.relay()
            let port = try tunnel.open(target.endpoint)
            tunnel.listener.process.send(SIGSTOP)
            let start = ContinuousClock.now
            try tunnel.connector.process.waitForLine(containing: "connection to the listener lost")
            try Self.expectToBeInTime(ContinuousClock.now - start)
            try served.expectToReceive(Received("", .reset))
            try tunnel.connector.process.waitForLine(containing: "dialling again soon")

            tunnel.listener.process.send(SIGCONT)
            try tunnel.listener.waitForSession(uid: tunnel.uid, count: 2)
            try visitor.expectToReceive(Received("", .reset))
            try tunnel.checkEcho(through: port)
            #expect(try tunnel.api.sessionStatuses().count == 1)
        }
    }

    /// Silence is no sign of death as long as the other end answers when it is asked.
    @Test func anIdleTunnelStays() async throws {
        try await withTunnel(Self.options) { tunnel in
            let (visitor, served) = try tunnel.relay()
            // For three times as long as either end would tolerate silence.
            let wasLost = Polling.wait(timeout: .seconds(6)) {
                !tunnel.listener.process.lines(containing: "session ended").isEmpty
                    || !tunnel.connector.process.lines(containing: "lost").isEmpty
            }
            #expect(!wasLost)
            try await transfer(BytePattern(byteCount: 1000, seed: 1), from: visitor, to: served)
        }
    }

    // MARK: Private

    private static let options = Tunnel.Options(speaking: .warp) {
        $0.listener.environment = ["SWL_KEEP_ALIVE": "1", "SWL_DEAD_AFTER": "2"]
        $0.connector.keepAlive = 1
        $0.connector.deadAfter = 2
    }

    /// The peer was heard of for the last time up to a keep-alive ago.
    private static func expectToBeInTime(_ time: Duration, sourceLocation: SourceLocation = #_sourceLocation) throws {
        #expect(time >= .seconds(0.9) && time < .seconds(10), "it took \(time)", sourceLocation: sourceLocation)
    }
}
