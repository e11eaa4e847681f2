import TestSupport
import Testing

/// SIGTERM ends a program cleanly and soon, whatever it is doing, and nobody is left hanging.
@Suite("Shutdown", .endToEnd)
struct ShutdownTests {
    @Test func aListenerWithALiveRelayEnds() async throws {
        try await withTunnel { tunnel in
            let (visitor, target) = try Self.liveRelay(tunnel)
            tunnel.listener.process.terminate()
            try tunnel.listener.process.expectExit(0)
            try tunnel.listener.process.waitForLine(containing: "stopped")
            try visitor.expectToReceive(Received("", .reset))
            try target.expectToReceive(Received("", .reset))
            try tunnel.connector.process.waitForLine(containing: "the listener is going away")
            try tunnel.connector.process.waitForLine(containing: "connection to the listener lost")
            try tunnel.connector.process.waitForLine(containing: "dialling again soon")
            #expect(tunnel.connector.process.isRunning)
        }
    }

    @Test func aConnectorWithALiveRelayEnds() async throws {
        try await withTunnel { tunnel in
            let (visitor, target) = try Self.liveRelay(tunnel)
            tunnel.connector.process.terminate()
            try tunnel.connector.process.expectExit(0)
            try tunnel.connector.process.waitForLine(containing: "stopped")
            try visitor.expectToReceive(Received("", .reset))
            try target.expectToReceive(Received("", .reset))
            let ended = try tunnel.listener.process.waitForLine(containing: "session ended")
            #expect(try ended.metadata("client.uid") == tunnel.uid)
        }
    }

    @Test func aListenerThatTransfersEnds() async throws {
        let source = try TargetServer.endlessSource()
        try await withTunnel { tunnel in
            let visitor = try tunnel.visit(try tunnel.open(source.endpoint))
            _ = try visitor.receive(exactly: 1_000_000)
            tunnel.listener.process.terminate()
            try tunnel.listener.process.expectExit(0)
            #expect(try visitor.receiveToEnd().end == .reset)
        }
    }

    @Test func anIdleListenerAndAnIdleConnectorEnd() async throws {
        // The fixture itself ends both and checks how.
        try await withTunnel { _ in }
    }

    @Test func aSecondSignalEndsAProgramThatDrainsAtOnce() async throws {
        let options = Tunnel.Options {
            $0.listener.environment["SWL_DRAIN"] = "600"
            $0.connector.drainTimeout = 600
        }
        try await withTunnel(options) { tunnel in
            let first = try Self.liveRelay(tunnel)
            try tunnel.connector.process.endWithTwoSignals()
            try first.visitor.expectToReceive(Received("", .reset))
            try first.target.expectToReceive(Received("", .reset))

            let next = try ConnectorFixture(listenerPort: tunnel.listener.quicEndpoint.port)
            try next.waitUntilConnected()
            let second = try Self.liveRelay(tunnel)
            try tunnel.listener.process.endWithTwoSignals()
            try second.visitor.expectToReceive(Received("", .reset))
            try second.target.expectToReceive(Received("", .reset))
        }
    }

    @Test func signalsThatComeTogetherEndAProgram() async throws {
        try await withTunnel { tunnel in
            _ = try Self.liveRelay(tunnel)
            for process in [tunnel.connector.process, tunnel.listener.process] {
                process.terminate()
                process.interrupt()
                process.terminate()
                try process.expectExit(0)
            }
        }
    }

    @Test func sessionsOfAKilledConnectorGiveWayToItsSuccessor() async throws {
        let target = try EchoServer()
        try await withTunnel { tunnel in
            let port = try tunnel.open(target.endpoint)
            try tunnel.checkEcho(through: port)
            tunnel.connector.process.kill()
            // The listener has heard nothing of that death; the newcomer makes it ask the old session for life.
            let next = try ConnectorFixture(listenerPort: tunnel.listener.quicEndpoint.port)
            try tunnel.listener.waitForSession(uid: tunnel.uid, count: 2)
            try tunnel.checkEcho(through: port)
            #expect(next.process.isRunning)
        }
    }

    /// A part of a transfer must never look like all of it, not even when nobody is left to say so.
    @Test(arguments: [true, false])
    func aKilledProgramCutsItsTransfersWithAReset(isConnector: Bool) async throws {
        try await withTunnel { tunnel in
            let (visitor, target) = try tunnel.relay()
            let (sender, receiver) = isConnector ? (visitor, target) : (target, visitor)
            async let stopped: Void = sender.sendUntilReset(timeout: .seconds(60))
            _ = try receiver.receive(exactly: 1_000_000)
            let process = isConnector ? tunnel.connector.process : tunnel.listener.process
            process.kill()
            _ = try process.waitForExit()
            #expect(try receiver.receiveToEnd().end == .reset)
            // The other program has not noticed yet.
            sender.abandon()
            try await stopped
        }
    }

    /// A relay that has carried a byte each way.
    private static func liveRelay(_ tunnel: Tunnel) throws -> (visitor: TCPPeer, target: TCPPeer) {
        let relay = try tunnel.relay()
        try relay.visitor.send("?")
        #expect(try relay.target.receive(exactly: 1) == Array("?".utf8))
        try relay.target.send("!")
        #expect(try relay.visitor.receive(exactly: 1) == Array("!".utf8))
        return relay
    }
}

extension DaemonProcess {
    /// Ends the program with a signal and, once it waits for its relays, another; expects that it ends well.
    fileprivate func endWithTwoSignals(sourceLocation: SourceLocation = #_sourceLocation) throws {
        terminate()
        try waitForLine(containing: "waiting for relays to finish")
        interrupt()
        try expectExit(0, sourceLocation: sourceLocation)
        try waitForLine(containing: "stopped at once: a second signal")
    }
}
