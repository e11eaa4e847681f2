import NIOCore
import Shared
import TestSupport
import Testing

@Suite("QUICConnection: streams that are abandoned")
struct StreamResetTests {
    static let networks = [NetworkConditions.perfect, .hostile]

    private func pair(
        _ conditions: NetworkConditions,
        _ change: (inout ConnectionPair.Configuration) -> Void = { _ in }
    ) throws -> ConnectionPair {
        var configuration = try ConnectionPair.Configuration.trusting()
        configuration.conditions = conditions
        change(&configuration)
        let pair = try ConnectionPair(configuration)
        try pair.completeHandshake()
        return pair
    }

    @Test(arguments: networks)
    func aResetReachesThePeerWithItsCode(conditions: NetworkConditions) throws {
        let pair = try pair(conditions)
        let server = try pair.requireServer()
        let id = try pair.client.connection.openStream()
        pair.client.connection.send(ByteBuffer(string: "hello"), finish: false, on: id)
        try pair.advance(by: .seconds(5)) { server.received[id]?.count == 5 }
        pair.client.connection.resetStream(id, code: 7)
        #expect(try pair.advance(by: .seconds(5)) { server.resetCode(of: id) == 7 })
        // The other half goes on until it is ended too.
        server.connection.send(ByteBuffer(string: "still here"), finish: true, on: id)
        #expect(try pair.advance(by: .seconds(5)) { pair.client.finishedStreams.contains(id) })
        #expect(pair.client.received[id] == Array("still here".utf8))
        try pair.advance(by: .seconds(5)) { server.closedStreamCount == 1 && pair.client.closedStreamCount == 1 }
        #expect(server.events.contains(.streamClosed(id, code: 7)))
        #expect(pair.client.events.contains(.streamClosed(id, code: 7)))
    }

    @Test func aResetTakesWhatWasNotSentAlong() throws {
        let pair = try pair(.perfect)
        let server = try pair.requireServer()
        let id = try pair.client.connection.openStream()
        pair.client.connection.send(ByteBuffer(repeating: 1, count: 1 << 20), finish: true, on: id)
        try pair.advance(by: .seconds(5)) { server.received[id, default: []].count > 0 }
        pair.client.connection.resetStream(id, code: 9)
        #expect(try pair.advance(by: .seconds(5)) { server.resetCode(of: id) == 9 })
        #expect(server.received[id, default: []].count < 1 << 20)
        #expect(!server.finishedStreams.contains(id))
    }

    @Test(arguments: networks)
    func aResetAfterDeliveryComesBehindEverything(conditions: NetworkConditions) throws {
        // Flow control must not hold anything back: then the reset would not wait.
        let pair = try pair(conditions) { $0.server.initialStreamWindowBytes = 256 * 1024 }
        let server = try pair.requireServer()
        let pattern = BytePattern(byteCount: 200_000, seed: 1)
        let id = try pair.client.connection.openStream()
        let bytes = ByteBuffer(bytes: pattern.bytes(at: 0, count: pattern.byteCount))
        pair.client.connection.send(bytes, finish: false, on: id)
        pair.client.connection.resetStreamAfterDelivery(id, code: 1)
        #expect(try pair.advance(by: .seconds(60)) { server.resetCode(of: id) == 1 })
        let received = server.received[id] ?? []
        #expect(received.count == pattern.byteCount)
        #expect(received.withUnsafeBytes { pattern.firstMismatch(in: $0, at: 0) } == nil)
        #expect(!server.finishedStreams.contains(id))
    }

    @Test func aResetAfterDeliveryOfNothingComesAtOnce() throws {
        let pair = try pair(.perfect)
        let server = try pair.requireServer()
        let id = try pair.client.connection.openStream()
        pair.client.connection.send(ByteBuffer(string: "x"), finish: false, on: id)
        try pair.advance(by: .seconds(2))
        pair.client.connection.resetStreamAfterDelivery(id, code: 3)
        #expect(try pair.advance(by: .milliseconds(50)) { server.resetCode(of: id) == 3 })
    }

    @Test(arguments: [true, false])
    func aResetAfterDeliveryDoesNotWaitForAStalledReader(isBlockedAlready: Bool) throws {
        let pair = try pair(.perfect) { $0.server.initialStreamWindowBytes = 10_000 }
        let server = try pair.requireServer()
        let id = try pair.client.connection.openStream()
        server.stalledStreams = [id]
        pair.client.connection.send(ByteBuffer(repeating: 1, count: 100_000), finish: false, on: id)
        if isBlockedAlready {
            try pair.advance(by: .seconds(2))
        }
        pair.client.connection.resetStreamAfterDelivery(id, code: 4)
        #expect(try pair.advance(by: .seconds(5)) { server.resetCode(of: id) == 4 })
    }

    @Test(arguments: networks)
    func aSenderThatIsStoppedLearnsOfIt(conditions: NetworkConditions) throws {
        let pair = try pair(conditions)
        let server = try pair.requireServer()
        let id = try pair.client.connection.openStream()
        pair.client.connection.send(ByteBuffer(repeating: 1, count: 1 << 20), finish: false, on: id)
        try pair.advance(by: .seconds(5)) { server.received[id, default: []].count > 10_000 }
        server.connection.stopReceiving(id, code: 5)
        server.connection.send(nil, finish: true, on: id)
        let countAtStop = server.received[id, default: []].count
        #expect(try pair.advance(by: .seconds(10)) { pair.client.events.contains(.streamSendingStopped(id)) })
        #expect(
            try pair.advance(by: .seconds(10)) {
                pair.client.events.contains(.streamClosed(id, code: 5))
                    && server.events.contains(.streamClosed(id, code: 5))
            }
        )
        #expect(server.received[id, default: []].count == countAtStop)
        #expect(pair.client.events.count { $0 == .streamSendingStopped(id) } == 1)
    }

    @Test func aSenderThatIsStoppedWhileFlowControlHoldsItBackLearnsOfItAtTheEnd() throws {
        let pair = try pair(.perfect) { $0.server.initialStreamWindowBytes = 10_000 }
        let server = try pair.requireServer()
        let id = try pair.client.connection.openStream()
        server.stalledStreams = [id]
        pair.client.connection.send(ByteBuffer(repeating: 1, count: 100_000), finish: false, on: id)
        try pair.advance(by: .seconds(5))
        server.connection.stopReceiving(id, code: 6)
        server.connection.send(nil, finish: true, on: id)
        #expect(try pair.advance(by: .seconds(10)) { pair.client.events.contains(.streamClosed(id, code: 6)) })
    }

    @Test func streamsThatWereStoppedCostNoConnectionCredit() throws {
        let pair = try pair(.perfect) { configuration in
            configuration.server.connectionWindowBytes = 100_000
            configuration.server.unconsumedBudgetBytes = 50_000
        }
        let server = try pair.requireServer()
        server.reading = .keeping
        for _ in 0..<20 {
            let id = try pair.client.connection.openStream()
            pair.client.connection.send(ByteBuffer(repeating: 1, count: 60_000), finish: false, on: id)
            #expect(try pair.advance(by: .seconds(10)) { server.received[id, default: []].count > 30_000 })
            server.connection.stopReceiving(id, code: 0)
            server.connection.send(nil, finish: true, on: id)
            #expect(try pair.advance(by: .seconds(10)) { server.events.contains { $0.closes(id) } })
        }
        #expect(pair.client.closure == nil)
        #expect(server.closure == nil)
    }

    @Test func streamsThatWereResetCostNoConnectionCredit() throws {
        let pair = try pair(.perfect) { configuration in
            configuration.server.connectionWindowBytes = 100_000
            configuration.server.unconsumedBudgetBytes = 50_000
        }
        let server = try pair.requireServer()
        server.reading = .keeping
        for _ in 0..<20 {
            let id = try pair.client.connection.openStream()
            pair.client.connection.send(ByteBuffer(repeating: 1, count: 60_000), finish: false, on: id)
            #expect(try pair.advance(by: .seconds(10)) { server.received[id, default: []].count > 30_000 })
            pair.client.connection.resetStream(id, code: 0)
            server.connection.send(nil, finish: true, on: id)
            #expect(try pair.advance(by: .seconds(10)) { server.events.contains { $0.closes(id) } })
        }
    }

    @Test func aClosedStreamIsTheLastThatIsHeardOfIt() throws {
        let pair = try pair(.hostile)
        let server = try pair.requireServer()
        for round in 0..<30 {
            let id = try pair.client.connection.openStream()
            pair.client.connection.send(ByteBuffer(repeating: 1, count: 50_000), finish: true, on: id)
            try pair.advance(by: .milliseconds(Int64(15 + round)))
            pair.client.connection.stopReceiving(id, code: 1)
            server.connection.stopReceiving(id, code: 2)
            server.connection.resetStream(id, code: 3)
            pair.client.connection.resetStream(id, code: 4)
        }
        try pair.advance(by: .seconds(10))
        for end in [pair.client, server] {
            var closed: Set<QUICStreamID> = []
            for event in end.events {
                if let id = event.streamID {
                    #expect(!closed.contains(id), "\(event) after the stream was closed")
                }
                if case .streamClosed(let id, _) = event {
                    closed.insert(id)
                }
            }
            #expect(closed.count >= end.openedStreams.count)
        }
    }
}

extension QUICConnectionEvent {
    fileprivate var streamID: QUICStreamID? {
        switch self {
        case .streamOpened(let id), .streamReadable(let id), .streamWritable(let id), .streamReset(let id, _),
            .streamSendingStopped(let id), .streamClosed(let id, _):
            id
        case .handshakeCompleted, .handshakeConfirmed, .streamsAvailable, .connectionIDIssued, .connectionIDRetired,
            .closed:
            nil
        }
    }

    fileprivate func closes(_ id: QUICStreamID) -> Bool {
        if case .streamClosed(id, _) = self { true } else { false }
    }
}
