import TestSupport
import Testing

/// A session outlives what happens to the connector's network (RFC 9000 §9): relays go on, and nobody is admitted anew.
@Suite("Networks: path change", .networks, .heavyEndToEnd)
struct PathChangeTests {
    private static let patience = Duration.seconds(60)
    /// What passes before the path changes, and what passes after. The latter is more than all buffers on the way
    /// hold, so that both transfers are under way at the change.
    private static let openingBytes = 1_000_000
    private static let restBytes = 24_000_000

    @Test(arguments: TunnelProtocol.allCases)
    func theConnectorsAddressChanges(with protocol: TunnelProtocol) async throws {
        let options = DistantTunnel.Options { $0.connector.applicationProtocol = `protocol` }
        try await withDistantTunnel(options) { tunnel in
            try await transferBothWays(over: tunnel) { try tunnel.uplink.changeInnerAddress() }
        }
    }

    @Test func theConnectorsAddressChangesAgainAndAgain() async throws {
        try await withDistantTunnel { tunnel in
            for _ in 0..<3 {
                try await transferBothWays(over: tunnel, restBytes: 6_000_000) {
                    try tunnel.uplink.changeInnerAddress()
                }
            }
        }
    }

    @Test func theConnectorMovesToAnotherInterface() async throws {
        try await withDistantTunnel { tunnel in
            let other = try tunnel.network.link()
            try await transferBothWays(over: tunnel) {
                // As from a cable to a mobile network: the new way leads to the same listener.
                try tunnel.network.route(tunnel.uplink.outerAddress, through: other)
                try tunnel.uplink.goDown()
            }
        }
    }

    @Test(arguments: TunnelProtocol.allCases)
    func aNATForgetsTheConnector(with protocol: TunnelProtocol) async throws {
        let options = DistantTunnel.Options {
            $0.path = LossyPath.Conditions()
            $0.connector.applicationProtocol = `protocol`
        }
        try await withDistantTunnel(options) { tunnel in
            let path = try #require(tunnel.path)
            try await transferBothWays(over: tunnel) { try path.rebind() }
        }
    }

    @Test func aNATForgetsAConnectorWithNothingToSend() async throws {
        try await withDistantTunnel(DistantTunnel.Options { $0.path = LossyPath.Conditions() }) { tunnel in
            let path = try #require(tunnel.path)
            let (visitor, target) = try tunnel.relay()
            try path.rebind()
            // The target speaks first, so that the connector's datagram tells the listener where it is now.
            let pattern = BytePattern(byteCount: 100_000, seed: 1)
            try await transfer(pattern, from: target, to: visitor, timeout: Self.patience)
            try await transfer(pattern, from: visitor, to: target, timeout: Self.patience)
            #expect(tunnel.sessionCount == 1)
        }
    }

    @Test func theLinkIsDownForAWhile() async throws {
        try await withDistantTunnel { tunnel in
            try await transferBothWays(over: tunnel) {
                try tunnel.uplink.goDown()
                hold(for: .seconds(3))
                try tunnel.uplink.goUp()
            }
        }
    }

    @Test func thePathSwallowsEverythingForAWhile() async throws {
        try await withDistantTunnel(DistantTunnel.Options { $0.path = LossyPath.Conditions() }) { tunnel in
            let path = try #require(tunnel.path)
            try await transferBothWays(over: tunnel) {
                try path.fallSilent()
                hold(for: .seconds(3))
                try path.pass()
            }
        }
    }

    /// Uploads on one relay and downloads on another, disturbs the path in the middle of both, and expects that
    /// everything arrives and that the session is still the first one.
    private func transferBothWays(
        over tunnel: DistantTunnel,
        restBytes: Int = restBytes,
        disturbing disturb: @Sendable () throws -> Void,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let upload = try tunnel.relay()
        let download = try tunnel.relay()
        let opening = BytePattern(byteCount: Self.openingBytes, seed: 1)
        let rest = BytePattern(byteCount: restBytes, seed: 2)
        async let sentUp: Void = upload.visitor.send(opening, timeout: Self.patience)
        async let sentDown: Void = download.target.send(opening, timeout: Self.patience)
        try upload.target.receive(opening, timeout: Self.patience)
        try download.visitor.receive(opening, timeout: Self.patience)
        _ = try await (sentUp, sentDown)

        async let up: Void = transfer(rest, from: upload.visitor, to: upload.target, timeout: Self.patience)
        async let down: Void = transfer(rest, from: download.target, to: download.visitor, timeout: Self.patience)
        try disturb()
        _ = try await (up, down)
        #expect(tunnel.sessionCount == 1, "a new session was admitted", sourceLocation: sourceLocation)
        #expect(tunnel.connector.process.isRunning, sourceLocation: sourceLocation)
    }

    /// Lets time pass, which is what these tests are about: the length of an outage.
    private func hold(for duration: Duration) {
        _ = Polling.wait(timeout: duration) { false }
    }
}
