import TestSupport
import Testing

/// What opening and closing a port promises, over its whole life.
@Suite("Forward lifecycle", .endToEnd)
struct ForwardLifecycleTests {
    private let target: EchoServer

    init() throws {
        target = try EchoServer()
    }

    @Test func portZeroIsReportedTruthfully() async throws {
        try await withTunnel { tunnel in
            let port = try tunnel.open(target.endpoint)
            #expect(port > 0)
            let expected = ControlAPIClient.Forward(port: port, uid: tunnel.uid, target: target.endpoint)
            #expect(try tunnel.api.list() == [expected])
            try tunnel.checkEcho(through: port)
        }
    }

    @Test func everyOpenWithPortZeroGetsItsOwnPort() async throws {
        try await withTunnel { tunnel in
            let ports = try (0..<3).map { _ in try tunnel.open(target.endpoint) }
            #expect(Set(ports).count == 3)
            #expect(try Set(tunnel.api.list().map(\.port)) == Set(ports))
            for port in ports { try tunnel.checkEcho(through: port) }
        }
    }

    @Test func closeEndsItsRelaysAndFreesThePort() async throws {
        try await withTunnel { tunnel in
            let acceptor = try TCPAcceptor()
            let port = try tunnel.open(acceptor.endpoint)
            let visitor = try tunnel.visit(port)
            let accepted = try acceptor.accept()
            try accepted.send("hello")
            #expect(try visitor.receive(exactly: 5) == Array("hello".utf8))
            let (otherVisitor, otherTarget) = try tunnel.relay()

            #expect(try tunnel.api.close(port: port).status == 200)
            // The answer means that the port is free: opening it again works at once.
            let again = try tunnel.api.open(uid: tunnel.uid, port: port, target: target.endpoint)
            #expect(again.status == 200, "\(again.body)")
            try visitor.expectToReceive(Received("", .reset))
            try accepted.expectToReceive(Received("", .reset))
            try tunnel.checkEcho(through: port)
            // Another port's relay goes on.
            try await transfer(BytePattern(byteCount: 1000, seed: 1), from: otherVisitor, to: otherTarget)
        }
    }

    @Test func aClosedPortIsGone() async throws {
        try await withTunnel { tunnel in
            let port = try tunnel.open(target.endpoint)
            try tunnel.checkEcho(through: port)
            #expect(try tunnel.api.close(port: port).status == 200)
            #expect(try tunnel.api.list().isEmpty)
            #expect(throws: SocketError.self) { try tunnel.visit(port) }
            #expect(try tunnel.api.close(port: port).status == 404)
        }
    }

    @Test func openingAPortInUseIsAConflict() async throws {
        let inUse = try TCPAcceptor()
        try await withTunnel { tunnel in
            let byAnother = try tunnel.api.open(uid: tunnel.uid, port: inUse.endpoint.port, target: target.endpoint)
            #expect(byAnother.status == 409)
            #expect(byAnother.body.contains("\(inUse.endpoint.port)"))
            let port = try tunnel.open(target.endpoint)
            let byUs = try tunnel.api.open(uid: tunnel.uid, port: port, target: target.endpoint)
            #expect(byUs.status == 409)
            #expect(try tunnel.api.list().map(\.port) == [port])
            try tunnel.checkEcho(through: port)
        }
    }

    @Test func portsSurviveAReconnectOfTheirUID() async throws {
        try await withTunnel { tunnel in
            let port = try tunnel.open(target.endpoint)
            try tunnel.checkEcho(through: port)
            tunnel.connector.process.terminate()
            try tunnel.connector.process.expectExit(0)

            let next = try ConnectorFixture(listenerPort: tunnel.listener.quicEndpoint.port)
            try tunnel.listener.waitForSession(uid: tunnel.uid, count: 2)
            #expect(try tunnel.api.list().map(\.port) == [port])
            try tunnel.checkEcho(through: port)
            #expect(next.process.isRunning)
        }
    }

    @Test func aVisitorWithoutASessionIsReset() async throws {
        try await withTunnel { tunnel in
            let port = try tunnel.open(target.endpoint)
            tunnel.connector.process.terminate()
            try tunnel.listener.process.waitForLine(containing: "session ended")
            let visitor = try tunnel.visit(port)
            try visitor.expectToReceive(Received("", .reset))
        }
    }
}
