import NIOCore
import Shared
import TestSupport
import Testing

@Suite("QUICConnection: liveness")
struct LivenessTests {
    private static let keepAlive = TimeAmount.seconds(10)
    private static let silenceLimit = TimeAmount.seconds(30)

    /// A pair whose ends both hold to `warp/1`'s limits.
    private func pair(
        conditions: NetworkConditions = .perfect,
        seed: UInt64 = 1,
        keepAlive: TimeAmount? = LivenessTests.keepAlive
    ) throws -> ConnectionPair {
        var configuration = try ConnectionPair.Configuration.trusting()
        configuration.conditions = conditions
        configuration.seed = seed
        let pair = try ConnectionPair(configuration)
        try pair.completeHandshake()
        for side in ConnectionSide.allCases {
            try pair.end(side).connection.setLiveness(
                keepAlive: keepAlive,
                silenceLimit: Self.silenceLimit,
                now: pair.now
            )
        }
        return pair
    }

    @Test func aQuietConnectionIsKeptAlive() throws {
        let pair = try pair()
        try pair.advance(by: .minutes(10))
        #expect(pair.client.closure == nil)
        #expect(try pair.requireServer().closure == nil)
    }

    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func aQuietConnectionIsKeptAliveOverAHostileNetwork(seed: UInt64) throws {
        let pair = try pair(conditions: .hostile, seed: seed)
        try pair.advance(by: .minutes(10))
        #expect(pair.client.closure == nil)
        #expect(try pair.requireServer().closure == nil)
    }

    @Test(arguments: ConnectionSide.allCases)
    func aSilentPeerIsGivenUpAfterTheLimitAndNotBefore(side: ConnectionSide) throws {
        let pair = try pair()
        let end = try pair.end(side)
        pair.network.silenced = [.client, .server]
        try pair.advance(by: .milliseconds(50))  // what was on its way has arrived
        end.connection.setLiveness(keepAlive: Self.keepAlive, silenceLimit: Self.silenceLimit, now: pair.now)
        try pair.advance(by: Self.silenceLimit + .milliseconds(-1))
        #expect(end.closure == nil)
        try pair.advance(by: .milliseconds(2))
        #expect(end.closure == .idleTimeout)
        #expect(end.connection.isTerminated)
    }

    @Test func whoSendsWithoutAnAnswerGivesUpAllTheSame() throws {
        let pair = try pair()
        let stream = try pair.client.connection.openStream()
        pair.network.silenced = [.server]
        for _ in 0..<40 {
            pair.client.connection.send(ByteBuffer(string: "?"), finish: false, on: stream)
            try pair.advance(by: .seconds(1))
        }
        #expect(pair.client.closure == .idleTimeout)
    }

    @Test func withoutAKeepAliveNobodyAsks() throws {
        let pair = try pair(keepAlive: nil)
        try pair.advance(by: .seconds(1))
        let sent = pair.network.sentBytes
        try pair.advance(by: .seconds(20))
        #expect(pair.network.sentBytes == sent)
        try pair.advance(by: .seconds(20))
        #expect(pair.client.closure == .idleTimeout)
    }

    @Test func theOriginalsTimersHoldUntilTheLimitIsSet() throws {
        let pair = try ConnectionPair(.trusting())
        try pair.completeHandshake()
        try pair.advance(by: .minutes(5))
        #expect(pair.client.closure == nil)
        pair.network.silenced = [.client, .server]
        try pair.advance(by: .seconds(59))
        #expect(pair.client.closure == nil)
        try pair.advance(by: .minutes(3))
        #expect(pair.client.closure == .idleTimeout)
    }

    @Test(arguments: [NetworkConditions.perfect, .hostile], 1...3 as ClosedRange<UInt64>)
    func anOutageOfTenSecondsCostsNoByte(conditions: NetworkConditions, seed: UInt64) throws {
        let pair = try pair(conditions: conditions, seed: seed)
        let server = try pair.requireServer()
        let pattern = BytePattern(byteCount: 3_000_000, seed: seed)
        let stream = try pair.client.connection.openStream()
        pair.client.connection.send(
            ByteBuffer(bytes: pattern.bytes(at: 0, count: pattern.byteCount)),
            finish: true,
            on: stream
        )
        try pair.advance(by: .seconds(60)) { (server.received[stream]?.count ?? 0) > 200_000 }
        #expect(!server.finishedStreams.contains(stream), "the outage must come in the middle")
        pair.network.silenced = [.client, .server]
        try pair.advance(by: .seconds(10))
        pair.network.silenced = []
        let isDone = try pair.advance(by: .minutes(5)) { server.finishedStreams.contains(stream) }
        #expect(isDone)
        let received = server.received[stream] ?? []
        #expect(received.count == pattern.byteCount)
        #expect(received.withUnsafeBytes { pattern.firstMismatch(in: $0, at: 0) } == nil)
        #expect(pair.client.closure == nil)
    }
}
