import NIOCore
import TestSupport
import Testing

@testable import Shared

@Suite("QUICConnection: flow control")
struct FlowControlTests {
    private static let window = 64 * 1024

    private func pair(
        _ conditions: NetworkConditions = .perfect,
        _ change: (inout ConnectionPair.Configuration) -> Void = { _ in }
    ) throws -> ConnectionPair {
        var configuration = try ConnectionPair.Configuration.trusting()
        configuration.conditions = conditions
        configuration.server.initialStreamWindowBytes = Self.window
        change(&configuration)
        let pair = try ConnectionPair(configuration)
        try pair.completeHandshake()
        return pair
    }

    private func pairWithWatermarks(high: Int, low: Int) throws -> ConnectionPair {
        try pair { configuration in
            configuration.client.sendHighWatermarkBytes = high
            configuration.client.sendLowWatermarkBytes = low
        }
    }

    private func stream(_ pair: ConnectionPair, bytes: Int) throws -> QUICStreamID {
        let id = try pair.client.connection.openStream()
        pair.client.connection.send(ByteBuffer(repeating: 0x61, count: bytes), finish: true, on: id)
        return id
    }

    @Test(arguments: [NetworkConditions.perfect, .hostile])
    func aStalledReaderStopsItsSenderAtTheWindowAndNobodyElse(conditions: NetworkConditions) throws {
        let pair = try pair(conditions)
        let server = try pair.requireServer()
        let stalled = try stream(pair, bytes: 1 << 20)
        server.stalledStreams = [stalled]
        let other = try stream(pair, bytes: 1 << 20)
        try pair.advance(by: .seconds(40)) { server.finishedStreams.contains(other) }
        #expect(server.received[other]?.count == 1 << 20)
        try pair.advance(by: .seconds(5))
        #expect(server.received[stalled]?.count == Self.window)
        #expect(!server.finishedStreams.contains(stalled))
    }

    @Test func consumingLetsTheSenderGoOn() throws {
        let pair = try pair()
        let server = try pair.requireServer()
        let id = try stream(pair, bytes: 1 << 20)
        server.stalledStreams = [id]
        try pair.advance(by: .seconds(5))
        #expect(server.received[id]?.count == Self.window)
        server.consume(1000, on: id)
        try pair.advance(by: .seconds(5))
        let part = try #require(server.received[id]?.count)
        #expect(part >= Self.window, "less arrived than before")
        #expect(part <= Self.window + 1000)
        server.resume(id)
        try pair.advance(by: .seconds(30)) { server.finishedStreams.contains(id) }
        #expect(server.received[id]?.count == 1 << 20)
    }

    @Test func consumingMoreThanArrivedGivesNoExtraCredit() throws {
        let pair = try pair()
        let server = try pair.requireServer()
        let id = try stream(pair, bytes: 1 << 20)
        server.stalledStreams = [id]
        try pair.advance(by: .seconds(5))
        server.consume(10_000_000, on: id)
        try pair.advance(by: .seconds(5))
        let count = try #require(server.received[id]?.count)
        // One more window, or as much as the library lets a window grow at one step.
        #expect(count > Self.window)
        #expect(count < 1 << 20)
    }

    @Test func theUnconsumedBudgetBoundsWhatAllStalledStreamsCost() throws {
        let budget = 256 * 1024
        let connectionWindow = 128 * 1024
        let pair = try pair { configuration in
            configuration.server.unconsumedBudgetBytes = budget
            configuration.server.connectionWindowBytes = connectionWindow
        }
        let server = try pair.requireServer()
        let ids = try (0..<20).map { _ in try stream(pair, bytes: 1 << 20) }
        server.stalledStreams = Set(ids)
        try pair.advance(by: .seconds(20))
        let held = server.received.values.reduce(0) { $0 + $1.count }
        #expect(held >= budget)
        #expect(held <= budget + connectionWindow + 2048)
        for id in ids {
            server.resume(id)
        }
        try pair.advance(by: .seconds(300)) { server.finishedStreams.count == 20 }
        #expect(server.finishedStreams.count == 20)
        #expect(server.received.values.allSatisfy { $0.count == 1 << 20 })
    }

    /// Streams that were fast and stall then keep what their windows have grown to, and the others go on.
    @Test func streamsThatWereFastAndStallLeaveRoomForTheOthers() throws {
        let budget = 2 * 1024 * 1024
        let pair = try pair { configuration in
            configuration.server.unconsumedBudgetBytes = budget
            configuration.server.connectionWindowBytes = budget
            configuration.server.maximumStreamWindowBytes = budget
        }
        let server = try pair.requireServer()
        let ids = try (0..<6).map { _ in try stream(pair, bytes: 16 << 20) }
        try pair.advance(by: .seconds(20)) { ids.allSatisfy { server.received[$0, default: []].count > 4 << 20 } }
        server.stalledStreams = Set(ids)
        let before = ids.map { server.received[$0, default: []].count }
        try pair.advance(by: .seconds(20))
        let held = zip(ids, before).map { server.received[$0, default: []].count - $1 }
        #expect(held.contains { $0 > Self.window }, "no window has grown")
        #expect(held.reduce(0, +) <= budget / 2 + ids.count * Self.window)
        let other = try stream(pair, bytes: 8 << 20)
        try pair.advance(by: .seconds(20)) { server.finishedStreams.contains(other) }
        #expect(server.finishedStreams == [other])
    }

    @Test func theEndOfAStreamPassesWhenTheConnectionsCreditIsUsedUp() throws {
        let pair = try pair { configuration in
            configuration.server.unconsumedBudgetBytes = 1
            configuration.server.connectionWindowBytes = 100_000
            configuration.server.initialStreamWindowBytes = 100_000
        }
        let server = try pair.requireServer()
        let full = try stream(pair, bytes: 1 << 20)
        server.stalledStreams = [full]
        try pair.advance(by: .seconds(5))
        #expect(server.received[full]?.count == 100_000)
        let empty = try pair.client.connection.openStream()
        pair.client.connection.send(nil, finish: true, on: empty)
        try pair.advance(by: .seconds(5)) { server.finishedStreams.contains(empty) }
        #expect(server.finishedStreams == [empty])
    }

    @Test func aWriterIsStoppedAtTheHighWatermarkAndCalledAtTheLow() throws {
        let pair = try pairWithWatermarks(high: 20_000, low: 10_000)
        let server = try pair.requireServer()
        let id = try pair.client.connection.openStream()
        #expect(pair.client.connection.send(ByteBuffer(repeating: 1, count: 19_999), finish: false, on: id))
        #expect(!pair.client.connection.send(ByteBuffer(repeating: 2, count: 1), finish: false, on: id))
        #expect(!pair.client.events.contains(.streamWritable(id)))
        try pair.advance(by: .seconds(5)) { pair.client.events.contains(.streamWritable(id)) }
        #expect(pair.client.events.count { $0 == .streamWritable(id) } == 1)
        #expect(pair.client.connection.send(ByteBuffer(repeating: 3, count: 5), finish: true, on: id))
        try pair.advance(by: .seconds(5)) { server.finishedStreams.contains(id) }
        #expect(server.received[id]?.count == 20_005)
        #expect(pair.client.events.count { $0 == .streamWritable(id) } == 1)
    }

    @Test func aWriterOfSingleBytesIsStoppedBeforeTheyCostMoreThanTheWatermark() throws {
        let pair = try pairWithWatermarks(high: 20_000, low: 10_000)
        let server = try pair.requireServer()
        let id = try pair.client.connection.openStream()
        var sent = 0
        repeat {
            sent += 1
        } while pair.client.connection.send(ByteBuffer(bytes: [1]), finish: false, on: id) && sent < 20_000
        #expect(sent == 20_000 / 128 + 1)
        #expect(try pair.advance(by: .seconds(5)) { pair.client.events.contains(.streamWritable(id)) })
        pair.client.connection.send(nil, finish: true, on: id)
        try pair.advance(by: .seconds(5)) { server.finishedStreams.contains(id) }
        #expect(server.received[id]?.count == sent)
    }

    @Test func whatIsUnsentIsCountedUntilItLeavesOrIsGivenUp() throws {
        let pair = try pair()
        let server = try pair.requireServer()
        let client = pair.client.connection
        #expect(client.unsentStorageBytes == 0)
        let stalled = try stream(pair, bytes: 1 << 20)
        server.stalledStreams = [stalled]
        let other = try stream(pair, bytes: 1 << 18)
        #expect(client.unsentStorageBytes == (1 << 20) + (1 << 18))
        try pair.advance(by: .seconds(5)) { server.finishedStreams.contains(other) }
        #expect(client.unsentStorageBytes == 1 << 20)
        client.resetStream(stalled, code: 1)
        #expect(client.unsentStorageBytes == 0)
    }

    @Test func whatIsUnsentIsCountedUntilThePeerStops() throws {
        let pair = try pair()
        let server = try pair.requireServer()
        let id = try stream(pair, bytes: 1 << 24)
        try pair.advance(by: .seconds(20)) { server.received[id, default: []].count > 1 << 20 }
        #expect(pair.client.connection.unsentStorageBytes == 1 << 24)
        server.connection.stopReceiving(id, code: 1)
        try pair.advance(by: .seconds(5)) { pair.client.events.contains(.streamSendingStopped(id)) }
        #expect(pair.client.connection.unsentStorageBytes == 0)
    }

    @Test(arguments: [true, false])
    func whatIsUnsentIsCountedUntilTheConnectionIsClosed(byPeer: Bool) throws {
        let pair = try pair()
        let server = try pair.requireServer()
        server.stalledStreams = [try stream(pair, bytes: 1 << 20)]
        try pair.advance(by: .seconds(5))
        #expect(pair.client.connection.unsentStorageBytes == 1 << 20)
        (byPeer ? server : pair.client).connection.close(.application(0, reason: ""))
        try pair.advance(by: .milliseconds(100))
        #expect(pair.client.connection.unsentStorageBytes == 0)
    }

    @Test func messagesCountFromTheSecondInARow() throws {
        let client = try pair().client.connection
        func sends(_ count: Int, on id: QUICStreamID) -> Bool {
            client.hasQueuedMessage = false
            client.send(ByteBuffer(repeating: 0, count: count), finish: false, on: id)
            return client.hasQueuedMessage
        }
        let (bulk, dialogue) = (try client.openStream(), try client.openStream())
        #expect([100, 10_000, 100, 100].map { sends($0, on: bulk) } == [false, false, false, false])
        #expect([100, 100, 100].map { sends($0, on: dialogue) } == [false, true, true])
    }

    @Test func aWriterStaysStoppedWhileItsReaderStalls() throws {
        let pair = try pairWithWatermarks(high: 20_000, low: 10_000)
        let server = try pair.requireServer()
        let id = try pair.client.connection.openStream()
        server.stalledStreams = [id]
        #expect(!pair.client.connection.send(ByteBuffer(repeating: 1, count: 200_000), finish: false, on: id))
        try pair.advance(by: .seconds(10))
        #expect(!pair.client.events.contains(.streamWritable(id)))
        server.resume(id)
        #expect(try pair.advance(by: .seconds(10)) { pair.client.events.contains(.streamWritable(id)) })
    }
}
