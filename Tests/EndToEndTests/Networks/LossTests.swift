import TestSupport
import Testing

/// A path that loses, doubles and reorders datagrams costs time, and never a byte.
@Suite("Networks: loss", .networks, .heavyEndToEnd)
struct LossTests {
    private static let relayCount = 4
    private static let patience = Duration.seconds(60)

    @Test(
        arguments: [
            LossyPath.Conditions(),
            LossyPath.Conditions {
                $0.loss = 0.01
                $0.duplication = 0.01
                $0.reordering = 0.02
                $0.delay = .milliseconds(2)
            },
            LossyPath.Conditions {
                $0.loss = 0.05
                $0.reordering = 0.05
                $0.delay = .milliseconds(1)
                $0.seed = 2
            },
        ]
    )
    func severalRelaysCarryEveryByteBothWays(conditions: LossyPath.Conditions) async throws {
        try await withDistantTunnel(DistantTunnel.Options { $0.path = conditions }) { tunnel in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<UInt64(Self.relayCount) {
                    let (visitor, target) = try tunnel.relay()
                    // 8 MB each way in all.
                    let up = BytePattern(byteCount: 2_000_000, seed: number * 2)
                    let down = BytePattern(byteCount: 2_000_000, seed: number * 2 + 1)
                    group.addTask { try await transfer(up, from: visitor, to: target, timeout: Self.patience) }
                    group.addTask { try await transfer(down, from: target, to: visitor, timeout: Self.patience) }
                }
                try await group.waitForAll()
            }
            #expect(tunnel.sessionCount == 1)
        }
    }

    @Test func aLossyHandshakeSucceeds() async throws {
        let conditions = LossyPath.Conditions {
            $0.loss = 0.25
            $0.duplication = 0.1
            $0.seed = 3
        }
        try await withDistantTunnel(DistantTunnel.Options { $0.path = conditions }) { tunnel in
            let (visitor, target) = try tunnel.relay()
            let pattern = BytePattern(byteCount: 20_000, seed: 1)
            try await transfer(pattern, from: visitor, to: target, timeout: Self.patience)
            try await transfer(pattern, from: target, to: visitor, timeout: Self.patience)
        }
    }
}
