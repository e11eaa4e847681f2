import TestSupport
import Testing

/// A target that cannot be reached shows as an error: the visitor's connection is reset, never quietly finished.
@Suite("Dials", .endToEnd)
struct DialTests {
    @Test func aRefusedTargetResetsTheVisitor() async throws {
        let nobody = try ReservedPort()
        try await withTunnel { tunnel in
            let visitor = try tunnel.visit(try tunnel.open(nobody.endpoint))
            try visitor.expectToReceive(Received("", .reset))
        }
    }

    @Test func anUnresolvableTargetResetsTheVisitor() async throws {
        try await withTunnel { tunnel in
            // RFC 6761 §6.4: no such name ever exists.
            let visitor = try tunnel.visit(try tunnel.open(HostPort(host: "nowhere.invalid", port: 80)))
            try visitor.expectToReceive(Received("", .reset), timeout: .seconds(60))
        }
    }

    @Test func aSilentTargetResetsTheVisitorAfterTheDialTimeout() async throws {
        let silent = try SilentTarget()
        try await withTunnel(Tunnel.Options { $0.connector.dialTimeout = 0.5 }) { tunnel in
            let visitor = try tunnel.visit(try tunnel.open(silent.endpoint))
            // Well below the default dial timeout of 10 s: the setting counts.
            try visitor.expectToReceive(Received("", .reset), timeout: .seconds(8))
        }
    }

    @Test func aFailedDialLeavesOtherRelaysAlone() async throws {
        let nobody = try ReservedPort()
        try await withTunnel { tunnel in
            let (visitor, target) = try tunnel.relay()
            let failed = try tunnel.visit(try tunnel.open(nobody.endpoint))
            try failed.expectToReceive(Received("", .reset))
            try await transfer(BytePattern(byteCount: 100_000, seed: 1), from: visitor, to: target)
        }
    }

    @Test func bytesSentBeforeTheDialIsDoneArrive() async throws {
        let acceptor = try TCPAcceptor()
        try await withTunnel { tunnel in
            let visitor = try tunnel.visit(try tunnel.open(acceptor.endpoint))
            // All at once and finished, before anybody can have dialled.
            try visitor.send("early bird")
            try visitor.finish()
            let target = try acceptor.accept()
            try target.expectToReceive(Received("early bird", .finished))
        }
    }

    @Test func anIPv6TargetIsReached() async throws {
        let target = try EchoServer(on: HostPort(host: "::1", port: 0))
        try await withTunnel { tunnel in
            try tunnel.checkEcho(through: try tunnel.open(target.endpoint))
        }
    }

    @Test func aTargetIsReachedByName() async throws {
        let target = try EchoServer()
        try await withTunnel { tunnel in
            let named = HostPort(host: "localhost", port: target.endpoint.port)
            try tunnel.checkEcho(through: try tunnel.open(named))
        }
    }
}
