import TestSupport
import Testing

/// Datagrams that no connector would send change nothing for those who behave.
@Suite("Garbage", .endToEnd)
struct GarbageTests {
    private static let datagramCount = 20_000
    private static let maxGrowthBytes = 64 << 20

    /// What the datagrams look like.
    enum Noise: CaseIterable, Sendable {
        /// Any bytes, any length.
        case random
        /// The start of a QUIC version 1 Initial packet (RFC 9000 §17.2.2) with random connection IDs, cut anywhere.
        case truncatedInitial
        /// A long header of a version that nobody speaks (RFC 9000 §6), cut anywhere.
        case unknownVersion
        /// A short header (RFC 9000 §17.3.1) of a connection that does not exist.
        case shortHeader

        func datagram(_ generator: inout SplitMix64) -> [UInt8] {
            let noise = (0..<20).map { _ in UInt8.random(in: 0...255, using: &generator) }
            let length = Int.random(in: 1...1400, using: &generator)
            let body = [UInt8](repeating: noise[0], count: length)
            return switch self {
            case .random: noise.shuffled(using: &generator) + body
            case .truncatedInitial:
                Array(([0xc3, 0, 0, 0, 1, 8] + noise[..<8] + [8] + noise[8..<16] + body).prefix(length))
            case .unknownVersion: Array(([0xc3, 0xfa, 0xce, 0xb0, 0x0c, 8] + noise[..<8] + [0] + body).prefix(length))
            case .shortHeader: [0x40 | noise[0] & 0x3f] + noise + body
            }
        }
    }

    @Test(arguments: Noise.allCases)
    func aRelayGoesOnAndNewConnectorsAreServed(noise: Noise) async throws {
        let target = try EchoServer()
        try await withTunnel { tunnel in
            let port = try tunnel.open(target.endpoint)
            let growth = try MemoryGrowth(of: [tunnel.listener.process])
            let visitor = try tunnel.visit(port)
            let attacker = try UDPSocket(connectingTo: tunnel.listener.quicEndpoint)
            var generator = SplitMix64(state: 1)
            var sentBytes = 0
            var receivedBytes = 0
            for number in 0..<Self.datagramCount {
                let datagram = noise.datagram(&generator)
                try attacker.send(datagram)
                sentBytes += datagram.count
                receivedBytes += try attacker.receivedByteCounts().reduce(0, +)
                if number.isMultiple(of: 1000) {
                    try visitor.send("still there?")
                    #expect(try visitor.receive(exactly: 12) == Array("still there?".utf8))
                }
            }
            // RFC 9000 §8.1: an address that is not validated gets at most three times what came from it.
            #expect(receivedBytes <= 3 * sentBytes)
            try growth.check(atMost: Self.maxGrowthBytes)
            let newcomer = try ConnectorFixture(
                ConnectorFixture.Options(uid: "client-b"),
                listenerPort: tunnel.listener.quicEndpoint.port
            )
            try tunnel.listener.waitForSession(uid: "client-b")
            try tunnel.checkEcho(through: try tunnel.listener.open(uid: "client-b", target: target.endpoint))
            try tunnel.checkEcho(through: port)
            #expect(newcomer.process.isRunning)
        }
    }
}
