import TestSupport
import Testing

/// Well-formed hostility: what only a QUIC stack can forge is answered as RFC 9000 says, and hurts nobody.
@Suite("Interop: hostile datagrams", .endToEnd, .enabled(if: InteropPeer.python != nil, InteropPeer.hint))
struct HostileDatagramTests {
    @Test(arguments: [0, 100])
    func aListenerAnswersByTheBookAndServesOn(retryThreshold: Int) async throws {
        let target = try EchoServer()
        let options = Tunnel.Options { $0.listener.environment["SWL_RETRY_THRESHOLD"] = "\(retryThreshold)" }
        try await withTunnel(options) { tunnel in
            let port = try tunnel.open(target.endpoint)
            let growth = try MemoryGrowth(of: [tunnel.listener.process])
            let verdict = try InteropPeer.attack(tunnel.listener)
            // RFC 9000 §6.1, §10.3, §8.1.2, §8.1
            #expect(verdict.versionNegotiation > 0)
            #expect(verdict.statelessResets > 0)
            #expect(try #require(verdict.largestResetVsTrigger) < 1)
            #expect(verdict.retries > 0)
            #expect(verdict.invalidRetries == 0)
            #expect(verdict.maxAmplification <= 3)
            try growth.check(atMost: 64 << 20)
            try tunnel.checkEcho(through: port)
            let newcomer = try ConnectorFixture(
                ConnectorFixture.Options(uid: "client-b"),
                listenerPort: tunnel.listener.quicEndpoint.port
            )
            try tunnel.listener.waitForSession(uid: "client-b")
            #expect(newcomer.process.isRunning)
        }
    }
}
