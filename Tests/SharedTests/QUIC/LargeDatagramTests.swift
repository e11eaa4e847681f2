import NIOCore
import Shared
import TestSupport
import Testing

@Suite("QUICConnection: datagrams above 1,500 bytes")
struct LargeDatagramTests {
    private static let limit = 8952

    private func pair(pathBytes: Int = .max) throws -> ConnectionPair {
        var configuration = try ConnectionPair.Configuration.trusting()
        configuration.client.maximumDatagramBytes = Self.limit
        configuration.server.maximumDatagramBytes = Self.limit
        let pair = try ConnectionPair(configuration)
        carry(pathBytes, pair)
        try pair.completeHandshake()
        return pair
    }

    /// From now on the path loses what is larger.
    private func carry(_ bytes: Int, _ pair: ConnectionPair) {
        pair.network.tamper = { datagram, _ in datagram.count <= bytes ? datagram : nil }
    }

    private func transfer(_ pair: ConnectionPair, from sender: ConnectionSide, megabytes: Int) throws {
        let pattern = BytePattern(byteCount: megabytes << 20, seed: 7)
        let (from, to) = (try pair.end(sender), try pair.end(sender.other))
        let id = try from.connection.openStream()
        from.connection.send(ByteBuffer(bytes: pattern.bytes(at: 0, count: pattern.byteCount)), finish: true, on: id)
        try pair.advance(by: .seconds(120)) { to.finishedStreams.contains(id) }
        let received = to.received[id] ?? []
        #expect(received.count == pattern.byteCount)
        #expect(received.withUnsafeBytes { pattern.firstMismatch(in: $0, at: 0) } == nil)
    }

    @Test(arguments: ConnectionSide.allCases)
    func datagramsGrowToWhatThePathCarries(sender: ConnectionSide) throws {
        let pair = try pair()
        try transfer(pair, from: sender, megabytes: 1)
        let bytes = try pair.end(sender).connection.datagramBytes
        #expect(bytes > Self.limit - 24)
        #expect(bytes <= Self.limit)
    }

    @Test(arguments: ConnectionSide.allCases)
    func aPathThatCarriesLessThanTheInterfaceGetsWhatItCarries(sender: ConnectionSide) throws {
        let pair = try pair(pathBytes: 1472)
        try transfer(pair, from: sender, megabytes: 1)
        let bytes = try pair.end(sender).connection.datagramBytes
        #expect(bytes > 1452 - 24)
        #expect(bytes <= 1452)
    }

    @Test(arguments: ConnectionSide.allCases)
    func aPathThatCarriesTheMinimumOnlyIsEnough(sender: ConnectionSide) throws {
        let pair = try pair(pathBytes: 1200)
        try transfer(pair, from: sender, megabytes: 1)
        #expect(try pair.end(sender).connection.datagramBytes == 1200)
    }

    @Test(arguments: ConnectionSide.allCases)
    func aBlackHoleIsSurvived(sender: ConnectionSide) throws {
        let pair = try pair()
        try transfer(pair, from: sender, megabytes: 1)
        carry(1472, pair)
        try transfer(pair, from: sender, megabytes: 1)
        #expect(try pair.end(sender).connection.datagramBytes <= 1452)
        #expect(pair.client.closure == nil)
    }

    @Test func thePeersLimitHolds() throws {
        var configuration = try ConnectionPair.Configuration.trusting()
        configuration.client.maximumDatagramBytes = Self.limit
        let pair = try ConnectionPair(configuration)
        try pair.completeHandshake()
        try transfer(pair, from: .client, megabytes: 1)
        // The server takes what it would not send: what limits is what arrives.
        #expect(pair.client.connection.datagramBytes > 1452)
        #expect(try pair.requireServer().connection.datagramBytes == 1452)
    }
}
