import TestSupport
import Testing

@Suite("TestLifetime", .endToEnd)
struct TestLifetimeTests {
    @Test func whatATestMakesLivesToItsEnd() throws {
        let endpoint = try TCPAcceptor().endpoint
        _ = try TCPPeer(connectingTo: endpoint)
    }

    @Test func whatNobodyKeepsGoesWithItsLastUse() throws {
        let endpoint = try TestLifetime.untilLastUse { try TCPAcceptor().endpoint }
        #expect(throws: SocketError.self) { try TCPPeer(connectingTo: endpoint) }
    }
}
