import NIOCore
import Shared
import TestSupport
import Testing

@Suite("CongestionController")
struct CongestionControllerTests {
    /// Transfers a megabyte from the client, and tells how long that took.
    private func transferTime(
        _ controller: CongestionController,
        over conditions: NetworkConditions,
        seed: UInt64 = 1
    ) throws -> TimeAmount {
        var configuration = try ConnectionPair.Configuration.trusting()
        configuration.client.congestionController = controller
        configuration.conditions = conditions
        configuration.seed = seed
        let pair = try ConnectionPair(configuration)
        try pair.completeHandshake()
        let server = try pair.requireServer()
        let start = pair.now
        let pattern = BytePattern(byteCount: 1 << 20, seed: seed)
        let id = try pair.client.connection.openStream()
        let content = ByteBuffer(bytes: pattern.bytes(at: 0, count: pattern.byteCount))
        pair.client.connection.send(content, finish: true, on: id)
        try pair.advance(by: .seconds(300)) { server.finishedStreams.contains(id) }
        #expect(server.received[id]?.withUnsafeBytes { pattern.firstMismatch(in: $0, at: 0) } == .some(nil))
        #expect(server.received[id]?.count == pattern.byteCount)
        return .nanoseconds(Int64(pair.now.nanoseconds - start.nanoseconds))
    }

    @Test(arguments: CongestionController.allCases, 1...5 as ClosedRange<UInt64>)
    func aMegabyteCrossesAHostileNetwork(controller: CongestionController, seed: UInt64) throws {
        _ = try transferTime(controller, over: .hostile, seed: seed)
    }

    /// The setting reaches the library: in virtual time, one that follows the bandwidth is faster over a lossy path.
    @Test func bbrIsFasterThanCubicOverALossyPath() throws {
        var conditions = NetworkConditions()
        conditions.delay = .milliseconds(25)
        conditions.lossPercent = 2
        #expect(try transferTime(.bbr, over: conditions) < transferTime(.cubic, over: conditions))
    }
}
