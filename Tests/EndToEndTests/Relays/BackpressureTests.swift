import TestSupport
import Testing

/// Who does not take its bytes holds up only itself, at the cost of a bounded number of bytes.
@Suite("Backpressure", .loneEndToEnd)
struct BackpressureTests {
    private static let stalledCount = 20
    private static let maxGrowthBytes = 64 << 20
    private static let patience = Duration.seconds(120)

    @Test func stalledDownloadsCostABoundedNumberOfBytes() async throws {
        try await withTunnel { tunnel in
            let growth = try MemoryGrowth(of: tunnel)
            let relays = try (0..<Self.stalledCount).map { _ in try tunnel.relay() }
            try await Self.fill(relays.map(\.target))
            try growth.check(atMost: Self.maxGrowthBytes)

            try await Self.checkAnotherRelayWorks(tunnel)
            try growth.check(atMost: Self.maxGrowthBytes)
            // A visitor that comes back to life gets what waited for it, and more.
            for (visitor, target) in relays {
                async let more: Int = target.sendUntilStalled()
                _ = try visitor.receive(exactly: 20_000_000, timeout: Self.patience)
                _ = try await more
            }
        }
    }

    @Test func stalledUploadsCostABoundedNumberOfBytes() async throws {
        try await withTunnel { tunnel in
            let growth = try MemoryGrowth(of: tunnel)
            let relays = try (0..<Self.stalledCount).map { _ in try tunnel.relay() }
            try await Self.fill(relays.map(\.visitor))
            try growth.check(atMost: Self.maxGrowthBytes)

            try await Self.checkAnotherRelayWorks(tunnel)
            try growth.check(atMost: Self.maxGrowthBytes)
        }
    }

    /// Sends through all of `senders` at once until none gets rid of another byte.
    private static func fill(_ senders: [TCPPeer]) async throws {
        try await withThrowingTaskGroup(of: Int.self) { group in
            for sender in senders {
                group.addTask { try sender.sendUntilStalled(quiet: .seconds(2)) }
            }
            for try await byteCount in group { #expect(byteCount > 0) }
        }
    }

    private static func checkAnotherRelayWorks(_ tunnel: Tunnel) async throws {
        let (visitor, target) = try tunnel.relay()
        try await transfer(BytePattern(byteCount: 5_000_000, seed: 1), from: visitor, to: target, timeout: patience)
        try await transfer(BytePattern(byteCount: 5_000_000, seed: 2), from: target, to: visitor, timeout: patience)
    }
}
