import NIOCore
import Shared
import TestSupport
import Testing

/// What ``ConnectionDriver`` is told about writing after a batch of datagrams.
@Suite("QUICConnection: acknowledgements that can wait")
struct AcknowledgementTests {
    /// A pair that has nothing to say any more, and a stream between them.
    private func quietPair() throws -> (pair: ConnectionPair, stream: QUICStreamID) {
        let pair = try ConnectionPair(ConnectionPair.Configuration.trusting())
        try pair.completeHandshake()
        let stream = try pair.client.connection.openStream()
        pair.client.connection.send(ByteBuffer(string: "x"), finish: false, on: stream)
        try pair.advance(by: .seconds(5))
        return (pair, stream)
    }

    private func message(_ pair: ConnectionPair, _ stream: QUICStreamID) throws -> [[UInt8]] {
        var datagrams: [[UInt8]] = []
        pair.client.connection.send(ByteBuffer(string: "message"), finish: false, on: stream)
        pair.client.write(now: pair.now) { datagrams.append($0) }
        return datagrams
    }

    @Test func oneMessageCanWaitForItsAnswer() throws {
        let (pair, stream) = try quietPair()
        let server = try pair.requireServer().connection
        #expect(!server.wantsToWrite)
        for datagram in try message(pair, stream) {
            try pair.deliver(datagram, to: .server)
        }
        #expect(!server.wantsToWrite)
        server.send(ByteBuffer(string: "answer"), finish: false, on: stream)
        #expect(server.wantsToWrite)
    }

    @Test func theSecondPacketIsAcknowledgedAtOnce() throws {
        let (pair, stream) = try quietPair()
        for _ in 0..<2 {
            for datagram in try message(pair, stream) {
                try pair.deliver(datagram, to: .server)
            }
        }
        #expect(try pair.requireServer().connection.wantsToWrite)
        try pair.advance(by: .seconds(1))
        #expect(try !pair.requireServer().connection.wantsToWrite)
    }

    @Test func resetsAndClosesDoNotWait() throws {
        let (pair, stream) = try quietPair()
        pair.client.connection.resetStream(stream, code: 1)
        #expect(pair.client.connection.wantsToWrite)
        try pair.requireServer().connection.stopReceiving(stream, code: 1)
        #expect(try pair.requireServer().connection.wantsToWrite)
        try pair.advance(by: .seconds(1))
        pair.client.connection.close(.application(0, reason: ""))
        #expect(pair.client.connection.wantsToWrite)
    }
}
