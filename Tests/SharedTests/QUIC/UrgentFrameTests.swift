import NIOCore
import TestSupport
import Testing

@testable import Shared

/// What ngtcp2 wants to send without being asked for it leaves at once, whether or not there is anything else to send.
@Suite("QUICConnection: what should not wait")
struct UrgentFrameTests {
    // RFC 9002 §6.1. What was sent long enough before something that was acknowledged is lost: that takes a round trip to
    // learn, of 20 ms here, or nine eighths of one, and half of one to mend.
    @Test(arguments: 0...7)
    func whatIsLostComesAgainAsSoonAsThatIsKnown(lost: Int) throws {
        let (pair, stream) = try ConnectionPair.quiet()
        let server = try pair.requireServer()
        var sent = 0
        pair.network.tamper = { bytes, sender in
            guard sender == .client else { return bytes }
            sent += 1
            return sent == lost + 1 ? nil : bytes
        }
        pair.client.connection.send(ByteBuffer(repeating: 1, count: 12_000), finish: true, on: stream)
        try pair.advance(by: .milliseconds(29))
        #expect(sent == 10)
        #expect(!server.finishedStreams.contains(stream))
        try pair.advance(by: .milliseconds(4))
        #expect(server.finishedStreams.contains(stream))
        #expect(!pair.client.connection.wantsToWrite)
    }

    // Whether or not it was told that a frame waits: of credit, for one, it is not.
    @Test(arguments: [true, false])
    func whatTheCongestionWindowHoldsBackLeavesWhenItMay(isTold: Bool) throws {
        let (pair, stream) = try ConnectionPair.quiet()
        let (client, server) = (pair.client, try pair.requireServer())
        client.connection.send(ByteBuffer(repeating: 1, count: 100_000), finish: false, on: stream)
        let flight = client.write(now: pair.now)
        client.connection.resetStream(stream, code: 7)
        client.connection.frameIsDue = isTold
        #expect(client.write(now: pair.now).isEmpty, "the congestion window was not full")
        #expect(!client.connection.wantsToWrite)

        for datagram in flight {
            try pair.deliver(datagram, to: .server)
        }
        for datagram in server.write(now: pair.now) {
            try pair.deliver(datagram, to: .client)
        }
        #expect(client.connection.wantsToWrite)
        try pair.advance(by: .milliseconds(50))
        #expect(server.resetCode(of: stream) == 7)
        #expect(!client.connection.wantsToWrite)
    }

    @Test func aPathChallengeIsAnsweredAtOnce() throws {
        let (pair, stream) = try ConnectionPair.quiet()
        let server = try pair.requireServer()
        let path = NetworkPath(
            local: try NIOCore.SocketAddress(ipAddress: "127.0.0.1", port: 11_443),
            remote: try NIOCore.SocketAddress(ipAddress: "127.0.0.3", port: 40_000)
        )
        pair.client.connection.send(ByteBuffer(string: "from elsewhere"), finish: false, on: stream)
        for datagram in pair.client.write(now: pair.now) {
            datagram.withUnsafeBytes {
                server.connection.receive(DatagramRun($0), path: path, ecn: 0, now: pair.now)
            }
        }
        #expect(server.connection.wantsToWrite)
        let challenge = server.write(now: pair.now)

        #expect(!pair.client.connection.wantsToWrite)
        try pair.deliver(try #require(challenge.first), to: .client)
        #expect(pair.client.connection.wantsToWrite)
        let response = pair.client.write(now: pair.now)
        #expect(response.count == 1)
        #expect(response.allSatisfy { $0.count >= 1200 })  // RFC 9000 §8.2.2, as the challenge's
        #expect(!pair.client.connection.wantsToWrite)
    }

    @Test func whoWaitsForAStreamIsToldThatOneIsFree() throws {
        var configuration = try ConnectionPair.Configuration.trusting()
        configuration.server.maximumPeerStreams = 1
        let (pair, stream) = try ConnectionPair.quiet(configuration)
        let server = try pair.requireServer().connection
        #expect(pair.client.connection.availableStreams == 0)
        pair.client.connection.send(nil, finish: true, on: stream)
        server.send(nil, finish: true, on: stream)
        try pair.advance(by: .milliseconds(60))
        #expect(pair.client.connection.availableStreams == 1)
    }

    @Test func whoHasEnoughStreamsIsToldWithTheNextPacket() throws {
        let (pair, stream) = try ConnectionPair.quiet()
        let client = pair.client.connection
        let available = client.availableStreams
        client.send(nil, finish: true, on: stream)
        try pair.requireServer().connection.send(nil, finish: true, on: stream)
        try pair.advance(by: .milliseconds(60))
        #expect(try pair.requireServer().closedStreamCount == 1)
        #expect(client.availableStreams == available)
        _ = try client.openStream()
        let next = try client.openStream()
        client.send(ByteBuffer(string: "x"), finish: false, on: next)
        try pair.advance(by: .milliseconds(60))
        #expect(client.availableStreams == available - 1)
    }

    @Test func aTimersFindingsAreNotAnotherConnections() throws {
        let (other, otherStream) = try ConnectionPair.quiet()
        let (pair, stream) = try ConnectionPair.quiet()
        let message = pair.clientMessage(on: stream)
        // The last packet but one is lost: nothing but the timer finds that.
        var sent = 0
        other.network.tamper = { bytes, sender in
            guard sender == .client else { return bytes }
            sent += 1
            return sent == 8 ? nil : bytes
        }
        other.client.connection.send(ByteBuffer(repeating: 1, count: 12_000), finish: false, on: otherStream)
        try other.advance(by: .seconds(1)) { sent == 10 }
        #expect(sent == 10)
        for datagram in message {
            try pair.deliver(datagram, to: .server)
        }
        #expect(try !pair.requireServer().connection.wantsToWrite)
    }
}
