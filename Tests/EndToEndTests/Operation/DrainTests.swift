import TestSupport
import Testing

/// SIGTERM lets relays finish, within bounds: every byte arrives, nobody new is let in, and the program ends when it can.
@Suite("Drain", .heavyEndToEnd)
struct DrainTests {
    /// Which program is asked to end.
    enum End: CaseIterable, Sendable {
        case listener, connector

        func process(of tunnel: Tunnel) -> DaemonProcess {
            switch self {
            case .listener: tunnel.listener.process
            case .connector: tunnel.connector.process
            }
        }
    }

    /// Which way the bytes of a relay go.
    enum Direction: CaseIterable, Sendable {
        case upload, download

        func ends(_ visitor: TCPPeer, _ target: TCPPeer) -> (sender: TCPPeer, receiver: TCPPeer) {
            switch self {
            case .upload: (visitor, target)
            case .download: (target, visitor)
            }
        }
    }

    /// Far more than all the buffers on the way hold.
    private static let byteCount = 50_000_000
    /// No test waits for it, but when a program does not notice that it is done.
    private static let drainTime = 30.0
    private static let patience = Duration.seconds(120)

    @Test(arguments: TunnelProtocol.allCases, Direction.allCases)
    func aConnectorFinishesItsTransfers(applicationProtocol: TunnelProtocol, direction: Direction) async throws {
        let acceptor = try TCPAcceptor()
        try await withTunnel(Self.options(applicationProtocol)) { tunnel in
            let port = try tunnel.open(acceptor.endpoint)
            let (sender, receiver) = direction.ends(try tunnel.visit(port), try acceptor.accept())
            let connector = tunnel.connector.process
            try await Self.transfer(from: sender, to: receiver) {
                connector.terminate()
                try connector.waitForLine(containing: "waiting for relays to finish")
                if applicationProtocol == .warp {
                    try tunnel.listener.process.waitForLine(containing: "connector is going away")
                }
                let newcomer = try tunnel.visit(port)
                switch applicationProtocol {
                case .warp:
                    #expect(try Polling.wait { try tunnel.api.sessionStatuses().first?.waitingVisitors == 1 })
                    #expect(try tunnel.api.sessionStatuses().first?.draining == true)
                    #expect(try tunnel.api.forwardStatuses().first?.sessionUp == false)
                case .original:
                    // The listener cannot know; the connector turns the visitor away.
                    try newcomer.expectToReceive(Received("", .reset))
                }
                newcomer.close()
            }
            try connector.expectExit(0)
            try connector.waitForLine(containing: "stopped")
            #expect(connector.lines(containing: "did not finish in time").isEmpty)
            try tunnel.listener.process.waitForLine(containing: "session ended")
            #expect(throws: SocketError.self) { try acceptor.accept(timeout: .zero) }
        }
    }

    @Test(arguments: TunnelProtocol.allCases, Direction.allCases)
    func aListenerFinishesItsTransfers(applicationProtocol: TunnelProtocol, direction: Direction) async throws {
        let acceptor = try TCPAcceptor()
        try await withTunnel(Self.options(applicationProtocol)) { tunnel in
            let port = try tunnel.open(acceptor.endpoint)
            let (sender, receiver) = direction.ends(try tunnel.visit(port), try acceptor.accept())
            let listener = tunnel.listener.process
            try await Self.transfer(from: sender, to: receiver) {
                listener.terminate()
                try listener.waitForLine(containing: "waiting for relays to finish")
                if applicationProtocol == .warp {
                    try tunnel.connector.process.waitForLine(containing: "the listener is going away")
                }
                #expect(throws: SocketError.self) { try tunnel.visit(port) }
                let opened = try tunnel.api.open(uid: tunnel.uid, port: 0, target: acceptor.endpoint)
                #expect(opened.status == 503 || opened.status == 404, "\(opened.body)")
                let status = try #require(try tunnel.api.forwardStatuses().first)
                #expect(!status.listening)
                #expect(status.error != nil)
                #expect(status.openRelays == 1)
                let newcomer = try ConnectorFixture(
                    ConnectorFixture.Options(uid: "client-b"),
                    listenerPort: tunnel.listener.quicEndpoint.port
                )
                try newcomer.process.waitForLine(containing: "dialling again soon")
            }
            try listener.expectExit(0)
            try listener.waitForLine(containing: "stopped")
            #expect(listener.lines(containing: "did not finish in time").isEmpty)
            #expect(listener.lines(containing: "session admitted").count == 1)
            try tunnel.connector.process.waitForLine(containing: "dialling again soon")
            #expect(tunnel.connector.process.isRunning)
        }
    }

    /// The end that drains may be done long before the slow receiver beyond the other end is.
    @Test(arguments: End.allCases, Direction.allCases)
    func whatIsSentAfterAnEarlyHalfCloseArrivesToo(end: End, direction: Direction) async throws {
        try await withTunnel(Self.options(.warp)) { tunnel in
            let (visitor, target) = try tunnel.relay()
            let (sender, receiver) = direction.ends(visitor, target)
            try receiver.finish()
            try sender.expectToReceive(Received("", .finished))
            let process = end.process(of: tunnel)
            try await Self.transfer(from: sender, to: receiver, isHalfClosed: true) {
                process.terminate()
                try process.waitForLine(containing: "waiting for relays to finish")
            }
            try process.expectExit(0)
            #expect(process.lines(containing: "did not finish in time").isEmpty)
        }
    }

    @Test(arguments: End.allCases, Direction.allCases)
    func relaysThatDoNotFinishAreCut(end: End, direction: Direction) async throws {
        try await withTunnel(Self.options(.warp, drainTime: 0.5)) { tunnel in
            let idle = try tunnel.relay()
            let (visitor, target) = try tunnel.relay()
            let (sender, receiver) = direction.ends(visitor, target)
            async let stopped: Void = sender.sendUntilReset(timeout: Self.patience)
            _ = try receiver.receive(exactly: 1_000_000)
            let process = end.process(of: tunnel)
            process.terminate()
            try process.waitForLine(containing: "relays did not finish in time")
            try process.expectExit(0)
            // What was on its way comes, but no FIN: that would say that it was everything.
            #expect(try receiver.receiveToEnd().end == .reset)
            try await stopped
            try idle.visitor.expectToReceive(Received("", .reset))
            try idle.target.expectToReceive(Received("", .reset))
        }
    }

    /// So that a connector can be replaced, by a new version say, and no visitor notices.
    @Test func theSuccessorOfADrainingConnectorIsAdmittedAtOnce() async throws {
        let acceptor = try TCPAcceptor()
        try await withTunnel(Self.options(.warp)) { tunnel in
            let port = try tunnel.open(acceptor.endpoint)
            let (visitor, target) = (try tunnel.visit(port), try acceptor.accept())
            let connector = tunnel.connector.process
            try await Self.transfer(from: target, to: visitor) {
                connector.terminate()
                try tunnel.listener.process.waitForLine(containing: "connector is going away")
                let held = try tunnel.visit(port)
                try held.send("whom do I get?")
                #expect(try Polling.wait { try tunnel.api.sessionStatuses().first?.waitingVisitors == 1 })

                let successor = try ConnectorFixture(listenerPort: tunnel.listener.quicEndpoint.port)
                try successor.waitUntilConnected()
                let served = try acceptor.accept()
                #expect(try served.receive(exactly: 14) == Array("whom do I get?".utf8))
                #expect(try tunnel.api.sessionStatuses().map(\.draining) == [true, false])
                #expect(try tunnel.api.forwardStatuses().first?.sessionUp == true)
                #expect(connector.isRunning)
                held.close()
                served.close()
            }
            try connector.expectExit(0)
            #expect(tunnel.listener.process.lines(containing: "connector refused").isEmpty)
            let next = (visitor: try tunnel.visit(port), target: try acceptor.accept())
            try await TestSupport.transfer(BytePattern(byteCount: 1000, seed: 2), from: next.visitor, to: next.target)
            try next.target.finish()
            try next.visitor.expectToReceive(Received("", .finished))
            #expect(try tunnel.api.sessionStatuses().map(\.draining) == [false])
        }
    }

    // MARK: Without a session there is nothing to wait for

    private static let atOnce = Duration.seconds(8)

    @Test func aConnectorThatDialsEndsAtOnce() throws {
        let silent = try ReservedPort(.udp)
        let connector = try ConnectorFixture(Self.options(.warp).connector, listenerPort: silent.endpoint.port).process
        try silent.waitForDatagram()
        connector.terminate()
        // A handshake that nobody answers is given up after 10 s.
        #expect(try connector.waitForExit(timeout: Self.atOnce) == .exited(0))
        #expect(connector.lines(containing: "dialling again soon").isEmpty)
    }

    @Test func aConnectorThatWaitsToDialAgainEndsAtOnce() async throws {
        var options = Self.options(.warp)
        options.listener.environment["SWL_COME_BACK"] = "3600"
        try await withTunnel(options) { tunnel in
            tunnel.listener.process.terminate()
            try tunnel.listener.process.expectExit(0)
            let connector = tunnel.connector.process
            let wait = try connector.waitForLine(containing: "dialling again soon").metadata("wait")
            #expect(wait.hasPrefix("3600"), "it waits for \(wait)")
            connector.terminate()
            #expect(try connector.waitForExit(timeout: Self.atOnce) == .exited(0))
        }
    }

    @Test func aConnectorThatIsNotAdmittedYetEndsAtOnce() throws {
        let silent = try SCEPStub(.silence)
        var options = ListenerFixture.Options()
        options.environment = ["SWL_SCEP_URL": silent.url, "SWL_SCEP_TIMEOUT": "60"]
        let listener = try ListenerFixture(options)
        let connector = try ConnectorFixture(
            Self.options(.warp).connector,
            listenerPort: listener.quicEndpoint.port
        ).process
        _ = try silent.requests(atLeast: 1)
        connector.terminate()
        #expect(try connector.waitForExit(timeout: Self.atOnce) == .exited(0))
        try listener.process.waitForLine(containing: "connector left before it was admitted")
    }

    // MARK: Private

    /// Both ends with the same time to drain, and visitors that wait for as long as a test takes.
    private static func options(_ applicationProtocol: TunnelProtocol, drainTime: Double = drainTime) -> Tunnel.Options
    {
        Tunnel.Options(speaking: applicationProtocol) {
            $0.listener.environment = ["SWL_DRAIN": "\(drainTime)", "SWL_VISITOR_WAIT": "60"]
            $0.connector.drainTimeout = drainTime
        }
    }

    /// Sends a pattern and a FIN, which the receiver takes only after `body` has run, and then a FIN the other way.
    ///
    /// - Parameter isHalfClosed: whether that other FIN has been sent before.
    private static func transfer(
        from sender: TCPPeer,
        to receiver: TCPPeer,
        isHalfClosed: Bool = false,
        while body: () async throws -> Void
    ) async throws {
        let pattern = BytePattern(byteCount: byteCount, seed: 1)
        async let sent: Void = {
            try sender.send(pattern, timeout: patience)
            try sender.finish()
        }()
        do {
            var reader = PatternReader(pattern, from: receiver)
            try reader.read(1_000_000)
            try await body()
            for _ in 0..<5 { try reader.read(5_000_000) }
            try reader.readToEnd(timeout: patience)
        } catch {
            sender.abandon()
            throw error
        }
        try await sent
        guard !isHalfClosed else { return }
        try receiver.finish()
        try sender.expectToReceive(Received("", .finished))
    }
}
