import TestSupport
import Testing

/// The tests' own eyes: what they tell apart on a plain connection is what they may claim about a relay.
@Suite("TCPPeer", .endToEnd)
struct TCPPeerTests {
    private let left: TCPPeer
    private let right: TCPPeer

    init() throws {
        let acceptor = try TCPAcceptor()
        left = try TCPPeer(connectingTo: acceptor.endpoint)
        right = try acceptor.accept()
    }

    @Test func finIsSeenAsAnEnd() throws {
        try left.send("all of it")
        try left.finish()
        try right.expectToReceive(Received("all of it", .finished))
    }

    @Test func rstIsSeenAsAReset() throws {
        try left.reset()
        try right.expectToReceive(Received("", .reset))
    }

    @Test func rstIsSeenAsAResetEvenIfSendingMetItFirst() throws {
        try left.reset()
        try right.sendUntilReset()
        try right.expectToReceive(Received("", .reset))
    }

    @Test func rstIsSeenAsAResetHoweverSoonItComes() throws {
        let server = try TargetServer { try $0.reset() }
        for _ in 0..<200 {
            let visitor = try TCPPeer(connectingTo: server.endpoint)
            try visitor.expectToReceive(Received("", .reset))
        }
    }

    @Test func rstAfterAFINStopsTheSender() throws {
        try left.finish()
        try right.expectToReceive(Received("", .finished))
        try left.reset()
        try right.sendUntilReset()
    }

    @Test func aPeerThatSaysNothingTimesOut() {
        #expect(throws: SocketError.timedOut("receive")) { try right.receiveToEnd(timeout: .milliseconds(50)) }
    }

    @Test func aStalledPeerIsNoticed() throws {
        #expect(try left.sendUntilStalled(quiet: .milliseconds(200)) > 0)
    }

    @Test func aTransferThatEndsEarlyFails() async throws {
        let pattern = BytePattern(byteCount: 100_000, seed: 1)
        try left.send(BytePattern(byteCount: 99_999, seed: 1), timeout: .seconds(5))
        try left.finish()
        #expect(throws: SocketError.endedEarly(received: 99_999, expected: 100_000)) {
            try right.receive(pattern, timeout: .seconds(5))
        }
    }

    @Test func aTransferThatIsResetFails() async throws {
        try left.send("start")
        #expect(try right.receive(exactly: 5) == Array("start".utf8))
        try left.reset()
        #expect(throws: SocketError.reset("receive")) {
            try right.receive(BytePattern(byteCount: 10, seed: 1), timeout: .seconds(5))
        }
    }

    @Test func anEchoServerGivesEverythingBackThenItsFIN() async throws {
        let server = try EchoServer()
        let visitor = try TCPPeer(connectingTo: server.endpoint)
        try await transfer(BytePattern(byteCount: 3_000_000, seed: 7), from: visitor, to: visitor)
    }

    @Test func aReservedPortRefuses() throws {
        let port = try ReservedPort()
        #expect(throws: SocketError.self) { try TCPPeer(connectingTo: port.endpoint) }
    }

    @Test func aSilentTargetDoesNotAnswer() throws {
        let target = try SilentTarget()
        #expect(throws: SocketError.timedOut("connect to \(target.endpoint)")) {
            try TCPPeer(connectingTo: target.endpoint, timeout: .milliseconds(300))
        }
    }
}
