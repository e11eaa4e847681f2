import NIOCore
import Shared
import TestSupport
import Testing

@Suite("QUICConnection: streams")
struct StreamTests {
    private static let megabyte = 1 << 20

    private func pair(_ change: (inout ConnectionPair.Configuration) -> Void = { _ in }) throws -> ConnectionPair {
        var configuration = try ConnectionPair.Configuration.trusting()
        change(&configuration)
        let pair = try ConnectionPair(configuration)
        try pair.completeHandshake()
        return pair
    }

    private func buffer(_ pattern: BytePattern) -> ByteBuffer {
        ByteBuffer(bytes: pattern.bytes(at: 0, count: pattern.byteCount))
    }

    private func expect(_ end: ConnectionEnd, received pattern: BytePattern, on id: QUICStreamID) {
        let bytes = end.received[id] ?? []
        #expect(bytes.count == pattern.byteCount)
        #expect(bytes.withUnsafeBytes { pattern.firstMismatch(in: $0, at: 0) } == nil)
        #expect(end.finishedStreams.contains(id))
    }

    private func transferBothWays(_ pair: ConnectionPair, by amount: TimeAmount) throws {
        let server = try pair.requireServer()
        let up = BytePattern(byteCount: Self.megabyte, seed: 1)
        let down = BytePattern(byteCount: Self.megabyte, seed: 2)
        let id = try pair.client.connection.openStream()
        pair.client.connection.send(buffer(up), finish: true, on: id)
        try pair.advance(by: .seconds(5)) { !server.openedStreams.isEmpty }
        #expect(server.openedStreams == [id])
        server.connection.send(buffer(down), finish: true, on: id)
        try pair.advance(by: amount) { pair.client.closedStreamCount == 1 && server.closedStreamCount == 1 }
        expect(server, received: up, on: id)
        expect(pair.client, received: down, on: id)
        #expect(pair.client.events.contains(.streamClosed(id, code: nil)))
        #expect(server.events.contains(.streamClosed(id, code: nil)))
    }

    @Test func aMegabyteCrossesEachWay() throws {
        try transferBothWays(pair(), by: .seconds(60))
    }

    @Test(arguments: 1...5 as ClosedRange<UInt64>)
    func aMegabyteCrossesAHostileNetworkEachWay(seed: UInt64) throws {
        let pair = try pair {
            $0.seed = seed
            $0.conditions = .hostile
        }
        try transferBothWays(pair, by: .seconds(300))
    }

    @Test func theServerOpensStreamsToo() throws {
        let pair = try pair()
        let server = try pair.requireServer()
        let pattern = BytePattern(byteCount: 5000, seed: 3)
        let id = try server.connection.openStream()
        server.connection.send(buffer(pattern), finish: true, on: id)
        try pair.advance(by: .seconds(5)) { pair.client.finishedStreams.contains(id) }
        #expect(id.isServerInitiated)
        expect(pair.client, received: pattern, on: id)
    }

    @Test func anEmptyStreamJustEnds() throws {
        let pair = try pair()
        let server = try pair.requireServer()
        let id = try pair.client.connection.openStream()
        pair.client.connection.send(nil, finish: true, on: id)
        try pair.advance(by: .seconds(5)) { server.finishedStreams.contains(id) }
        #expect(server.finishedStreams == [id])
        #expect(server.received[id] == nil)
    }

    @Test func nothingIsSentAfterTheEnd() throws {
        let pair = try pair()
        let server = try pair.requireServer()
        let id = try pair.client.connection.openStream()
        pair.client.connection.send(ByteBuffer(string: "before"), finish: true, on: id)
        pair.client.connection.send(ByteBuffer(string: "after"), finish: false, on: id)
        try pair.advance(by: .seconds(5))
        #expect(server.received[id] == Array("before".utf8))
    }

    @Test func aHalfClosedStreamCarriesTheOtherDirection() throws {
        let pair = try pair()
        let server = try pair.requireServer()
        let id = try pair.client.connection.openStream()
        pair.client.connection.send(ByteBuffer(string: "question"), finish: true, on: id)
        try pair.advance(by: .seconds(5)) { server.finishedStreams.contains(id) }
        #expect(server.closedStreamCount == 0)
        for _ in 0..<3 {
            server.connection.send(ByteBuffer(string: "answer"), finish: false, on: id)
            try pair.advance(by: .seconds(1))
        }
        server.connection.send(nil, finish: true, on: id)
        try pair.advance(by: .seconds(5)) { pair.client.closedStreamCount == 1 }
        #expect(pair.client.received[id] == Array("answeransweranswer".utf8))
        #expect(pair.client.events.contains(.streamClosed(id, code: nil)))
    }

    @Test(arguments: [NetworkConditions.perfect, .hostile])
    func twoHundredStreamsAtOnceAreHeldToThePeersLimit(conditions: NetworkConditions) throws {
        let pair = try pair {
            $0.conditions = conditions
            $0.client.maximumPeerStreams = 50
        }
        let server = try pair.requireServer()
        let pattern = BytePattern(byteCount: 3000, seed: 4)
        var opened: [QUICStreamID] = []
        var refusals = 0
        let openMore = {
            while opened.count < 200 {
                do throws(QUICError) {
                    let id = try server.connection.openStream()
                    opened.append(id)
                    server.connection.send(buffer(pattern), finish: true, on: id)
                } catch {
                    #expect(error == .streamLimitReached)
                    #expect(server.connection.availableStreams == 0)
                    refusals += 1
                    return
                }
            }
        }
        server.onEvent = { event, _ in
            if event == .streamsAvailable { openMore() }
        }
        defer { server.onEvent = nil }  // it holds the server
        // The client ends its half as soon as the server's is over, which closes the stream.
        pair.client.onEvent = { event, client in
            if case .streamReadable(let id) = event, client.finishedStreams.contains(id) {
                client.connection.send(nil, finish: true, on: id)
            }
        }
        openMore()
        #expect(opened.count == 50)
        try pair.advance(by: .seconds(60)) { pair.client.closedStreamCount == 200 }
        #expect(opened.count == 200)
        #expect(refusals > 1)
        #expect(pair.client.closedStreamCount == 200)
        #expect(pair.client.openedStreams.sorted { $0.index < $1.index } == opened)
        for id in opened {
            expect(pair.client, received: pattern, on: id)
        }
    }

    @Test func noStreamCanBeOpenedWhereThePeerGrantsNone() throws {
        let pair = try pair { $0.server.maximumPeerStreams = 0 }
        #expect(pair.client.connection.availableStreams == 0)
        #expect(throws: QUICError.streamLimitReached) { try pair.client.connection.openStream() }
    }

    @Test func whatArrivesTogetherWithTheCloseIsRead() throws {
        let pair = try pair()
        let id = try pair.client.connection.openStream()
        pair.client.connection.send(ByteBuffer(string: "goodbye"), finish: true, on: id)
        let before = pair.network.sentBytes[.client] ?? 0
        try pair.advance(by: .seconds(1)) { (pair.network.sentBytes[.client] ?? 0) > before }
        pair.client.connection.close(.application(0, reason: ""))
        let server = try pair.requireServer()
        try pair.advance(by: .seconds(1)) { server.closure != nil }
        #expect(server.received[id].map { String(decoding: $0, as: UTF8.self) } == "goodbye")
        #expect(server.finishedStreams == [id])
    }

    @Test func aKeyUpdateInTheMiddleOfATransferIsNotNoticed() throws {
        // A small window: the transfer takes a second, and keys may be replaced every three probe timeouts.
        let pair = try pair { configuration in
            configuration.server.initialStreamWindowBytes = 16 * 1024
            configuration.server.maximumStreamWindowBytes = 16 * 1024
        }
        try pair.advance(by: .seconds(1))
        let server = try pair.requireServer()
        let pattern = BytePattern(byteCount: Self.megabyte, seed: 5)
        let id = try pair.client.connection.openStream()
        pair.client.connection.send(buffer(pattern), finish: true, on: id)
        try pair.advance(by: .seconds(30)) { server.received[id, default: []].count > 100_000 }
        try pair.client.connection.updateKeys(now: pair.now)
        try pair.advance(by: .seconds(30)) { server.received[id, default: []].count > 500_000 }
        try server.connection.updateKeys(now: pair.now)
        try pair.advance(by: .seconds(60)) { server.finishedStreams.contains(id) }
        expect(server, received: pattern, on: id)
        #expect(pair.client.closure == nil)
        #expect(server.closure == nil)
    }
}
