import TestSupport
import Testing

/// A target that cannot be reached shows as an error: the visitor's connection is reset, never quietly finished.
@Suite("Dials", .endToEnd)
struct DialTests {
    /// What a visitor does while its target is being dialled.
    enum VisitorBehaviour: CaseIterable, Sendable {
        case finishes, speaksAndFinishes, speaks, uploads

        func act(_ visitor: TCPPeer) throws {
            switch self {
            case .finishes:
                try visitor.finish()
            case .speaksAndFinishes:
                try visitor.send("a question")
                try visitor.finish()
            case .speaks:
                try visitor.send("a question")
            case .uploads:
                try visitor.sendUntilReset()
                throw SocketError.reset("an upload")
            }
        }
    }

    @Test(arguments: TunnelProtocol.allCases)
    func aRefusedTargetResetsTheVisitor(applicationProtocol: TunnelProtocol) async throws {
        let nobody = try ReservedPort()
        try await withTunnel(Tunnel.Options(speaking: applicationProtocol)) { tunnel in
            let visitor = try tunnel.visit(try tunnel.open(nobody.endpoint))
            try visitor.expectToReceive(Received("", .reset))
        }
    }

    /// Whatever it has done meanwhile: also when it has said all and only waits for the answer.
    @Test(arguments: TunnelProtocol.allCases, VisitorBehaviour.allCases)
    func aVisitorOfARefusedTargetIsReset(
        applicationProtocol: TunnelProtocol,
        behaviour: VisitorBehaviour
    ) async throws {
        let nobody = try ReservedPort()
        try await withTunnel(Tunnel.Options(speaking: applicationProtocol)) { tunnel in
            let port = try tunnel.open(nobody.endpoint)
            // The reset may come at any moment of it.
            for _ in 0..<20 {
                let visitor = try tunnel.visit(port)
                do {
                    try behaviour.act(visitor)
                } catch SocketError.reset {
                    continue
                }
                try visitor.expectToReceive(Received("", .reset))
            }
            #expect(try Polling.wait { try tunnel.api.forwardStatuses().first?.openRelays == 0 })
        }
    }

    @Test(arguments: TunnelProtocol.allCases)
    func anUnresolvableTargetResetsTheVisitor(applicationProtocol: TunnelProtocol) async throws {
        try await withTunnel(Tunnel.Options(speaking: applicationProtocol)) { tunnel in
            // RFC 6761 §6.4: no such name ever exists.
            let visitor = try tunnel.visit(try tunnel.open(HostPort(host: "nowhere.invalid", port: 80)))
            try visitor.expectToReceive(Received("", .reset), timeout: .seconds(60))
        }
    }

    @Test(arguments: TunnelProtocol.allCases)
    func aSilentTargetResetsTheVisitorAfterTheDialTimeout(applicationProtocol: TunnelProtocol) async throws {
        let silent = try SilentTarget()
        try await withTunnel(Tunnel.Options(speaking: applicationProtocol) { $0.connector.dialTimeout = 0.5 }) {
            tunnel in
            let visitor = try tunnel.visit(try tunnel.open(silent.endpoint))
            // Well below the default dial timeout of 10 s: the setting counts.
            try visitor.expectToReceive(Received("", .reset), timeout: .seconds(8))
        }
    }

    @Test(arguments: TunnelProtocol.allCases)
    func aFailedDialLeavesOtherRelaysAlone(applicationProtocol: TunnelProtocol) async throws {
        let nobody = try ReservedPort()
        try await withTunnel(Tunnel.Options(speaking: applicationProtocol)) { tunnel in
            let (visitor, target) = try tunnel.relay()
            let failed = try tunnel.visit(try tunnel.open(nobody.endpoint))
            try failed.expectToReceive(Received("", .reset))
            try await transfer(BytePattern(byteCount: 100_000, seed: 1), from: visitor, to: target)
        }
    }

    @Test(arguments: TunnelProtocol.allCases)
    func bytesSentBeforeTheDialIsDoneArrive(applicationProtocol: TunnelProtocol) async throws {
        let acceptor = try TCPAcceptor()
        try await withTunnel(Tunnel.Options(speaking: applicationProtocol)) { tunnel in
            let visitor = try tunnel.visit(try tunnel.open(acceptor.endpoint))
            // All at once and finished, before anybody can have dialled.
            try visitor.send("early bird")
            try visitor.finish()
            let target = try acceptor.accept()
            try target.expectToReceive(Received("early bird", .finished))
        }
    }

    @Test(arguments: TunnelProtocol.allCases)
    func anIPv6TargetIsReached(applicationProtocol: TunnelProtocol) async throws {
        let target = try EchoServer(on: HostPort(host: "::1", port: 0))
        try await withTunnel(Tunnel.Options(speaking: applicationProtocol)) { tunnel in
            try tunnel.checkEcho(through: try tunnel.open(target.endpoint))
        }
    }

    @Test(arguments: TunnelProtocol.allCases)
    func aTargetIsReachedByName(applicationProtocol: TunnelProtocol) async throws {
        let target = try EchoServer()
        try await withTunnel(Tunnel.Options(speaking: applicationProtocol)) { tunnel in
            let named = HostPort(host: "localhost", port: target.endpoint.port)
            try tunnel.checkEcho(through: try tunnel.open(named))
        }
    }
}
