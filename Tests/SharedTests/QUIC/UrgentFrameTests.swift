import NIOCore
import Shared
import TestSupport
import Testing

/// What ngtcp2 wants to send without being asked for it leaves at once, whether or not there is anything else to send.
@Suite("QUICConnection: what cannot wait")
struct UrgentFrameTests {
    /// A pair that has nothing to say any more, ten milliseconds from each other, and a stream between them.
    private func quietPair() throws -> (pair: ConnectionPair, stream: QUICStreamID) {
        let pair = try ConnectionPair(ConnectionPair.Configuration.trusting())
        try pair.completeHandshake()
        let stream = try pair.client.connection.openStream()
        pair.client.connection.send(ByteBuffer(string: "x"), finish: false, on: stream)
        try pair.advance(by: .seconds(5))
        return (pair, stream)
    }

    // RFC 9002 §6.1: lost is what was sent three packets before one that was acknowledged, or an eighth of a round trip. That
    // takes a round trip to learn, and half of one to mend.
    @Test(arguments: 0...7)
    func whatIsLostComesAgainAsSoonAsThatIsKnown(lost: Int) throws {
        let (pair, stream) = try quietPair()
        let server = try pair.requireServer()
        var sent = 0
        pair.network.tamper = { bytes, sender in
            guard sender == .client else { return bytes }
            sent += 1
            return sent == lost + 1 ? nil : bytes
        }
        pair.client.connection.send(ByteBuffer(repeating: 1, count: 12_000), finish: true, on: stream)
        try pair.advance(by: .milliseconds(29))
        #expect(sent == 9 || sent == 10)
        #expect(!server.finishedStreams.contains(stream))
        try pair.advance(by: .milliseconds(4))
        #expect(sent == 10)
        #expect(server.finishedStreams.contains(stream))
    }

    @Test func aPathChallengeIsAnsweredAtOnce() throws {
        let (pair, stream) = try quietPair()
        let server = try pair.requireServer()
        let path = NetworkPath(
            local: try NIOCore.SocketAddress(ipAddress: "127.0.0.1", port: 11_443),
            remote: try NIOCore.SocketAddress(ipAddress: "127.0.0.3", port: 40_000)
        )
        pair.client.connection.send(ByteBuffer(string: "from elsewhere"), finish: false, on: stream)
        pair.client.write(now: pair.now) { datagram in
            datagram.withUnsafeBytes {
                server.connection.receive(DatagramRun($0), path: path, ecn: 0, now: pair.now)
            }
        }
        var challenge: [[UInt8]] = []
        server.write(now: pair.now) { challenge.append($0) }
        #expect(!pair.client.connection.wantsToWrite)
        try pair.deliver(try #require(challenge.first), to: .client)
        #expect(pair.client.connection.wantsToWrite)
    }
}
