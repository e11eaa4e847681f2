import NIOCore
import Shared
import TestSupport
import Testing

/// What ``ConnectionDriver`` is told about writing after a batch of datagrams.
@Suite("QUICConnection: acknowledgements that can wait")
struct AcknowledgementTests {
    @Test func oneMessageCanWaitForItsAnswer() throws {
        let (pair, stream) = try ConnectionPair.quiet()
        let server = try pair.requireServer().connection
        #expect(!server.wantsToWrite)
        for datagram in pair.clientMessage(on: stream) {
            try pair.deliver(datagram, to: .server)
        }
        #expect(!server.wantsToWrite)
        server.send(ByteBuffer(string: "answer"), finish: false, on: stream)
        #expect(server.wantsToWrite)
    }

    @Test func theSecondPacketIsAcknowledgedAtOnce() throws {
        let (pair, stream) = try ConnectionPair.quiet()
        for _ in 0..<2 {
            for datagram in pair.clientMessage(on: stream) {
                try pair.deliver(datagram, to: .server)
            }
        }
        #expect(try pair.requireServer().connection.wantsToWrite)
        try pair.advance(by: .seconds(1))
        #expect(try !pair.requireServer().connection.wantsToWrite)
    }

    @Test func resetsAndClosesDoNotWait() throws {
        let (pair, stream) = try ConnectionPair.quiet()
        pair.client.connection.resetStream(stream, code: 1)
        #expect(pair.client.connection.wantsToWrite)
        try pair.requireServer().connection.stopReceiving(stream, code: 1)
        #expect(try pair.requireServer().connection.wantsToWrite)
        try pair.advance(by: .seconds(1))
        pair.client.connection.close(.application(0, reason: ""))
        #expect(pair.client.connection.wantsToWrite)
    }
}
