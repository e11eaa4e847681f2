import NIOCore
import Shared
import TestSupport
import Testing

@Suite("QUICConnection: how it ends")
struct ConnectionClosureTests {
    private func pair(_ change: (inout ConnectionPair.Configuration) -> Void = { _ in }) throws -> ConnectionPair {
        var configuration = try ConnectionPair.Configuration.trusting()
        change(&configuration)
        let pair = try ConnectionPair(configuration)
        try pair.completeHandshake()
        return pair
    }

    @Test(arguments: ConnectionSide.allCases, [NetworkConditions.perfect, .hostile])
    func aCloseReachesThePeerWithCodeAndReason(side: ConnectionSide, conditions: NetworkConditions) throws {
        let pair = try pair { $0.conditions = conditions }
        let frame = CloseFrame.application(0x11, reason: "the client UID is not admitted")
        let closing = try pair.end(side)
        let other = try pair.end(side.other)
        let id = try other.connection.openStream()
        closing.connection.close(frame)
        #expect(!closing.connection.isActive)
        // A lost CONNECTION_CLOSE comes again as the answer to whatever the peer still sends.
        try pair.advance(by: .milliseconds(200)) { other.closure != nil }
        if other.closure == nil {
            other.connection.send(ByteBuffer(string: "hello?"), finish: true, on: id)
            try pair.advance(by: .seconds(1)) { other.closure != nil }
        }
        #expect(closing.closure == .local(frame))
        #expect(other.closure == .peer(frame))
        try pair.advance(by: .seconds(5))
        #expect(closing.connection.isTerminated)
        #expect(other.connection.isTerminated)
    }

    @Test func aTransportCloseIsToldApart() throws {
        let pair = try pair()
        let frame = CloseFrame.transport(0x1, reason: "something inside")
        pair.client.connection.close(frame)
        try pair.advance(by: .seconds(1))
        #expect(try pair.requireServer().closure == .peer(frame))
    }

    @Test func onlyTheFirstCloseCounts() throws {
        let pair = try pair()
        pair.client.connection.close(.application(1, reason: "first"))
        pair.client.connection.close(.application(2, reason: "second"))
        try pair.advance(by: .seconds(1))
        pair.client.connection.close(.application(3, reason: "third"))
        try pair.advance(by: .seconds(1))
        let closed = pair.client.events.count { if case .closed = $0 { true } else { false } }
        #expect(closed == 1)
        #expect(try pair.requireServer().closure == .peer(.application(1, reason: "first")))
    }

    @Test(arguments: ConnectionSide.allCases)
    func closedIsTheLastEvent(side: ConnectionSide) throws {
        let pair = try pair()
        let server = try pair.requireServer()
        for end in [pair.client, server] {
            let id = try end.connection.openStream()
            end.connection.send(ByteBuffer(repeating: 1, count: 1 << 20), finish: false, on: id)
        }
        try pair.advance(by: .milliseconds(35))
        try pair.end(side).connection.close(.application(0, reason: ""))
        try pair.advance(by: .seconds(5))
        for end in [pair.client, server] {
            let last = try #require(end.events.last)
            #expect(last == .closed(try #require(end.closure)))
        }
    }

    @Test func aConnectionThatIsOverRefusesCommands() throws {
        let pair = try pair()
        let id = try pair.client.connection.openStream()
        pair.client.connection.close(.application(0, reason: ""))
        for _ in 0..<2 {
            let connection = pair.client.connection
            #expect(throws: QUICError.connectionClosed) { try connection.openStream() }
            #expect(throws: QUICError.connectionClosed) { try connection.updateKeys(now: pair.now) }
            #expect(connection.send(ByteBuffer(string: "x"), finish: true, on: id))
            connection.resetStream(id, code: 0)
            connection.resetStreamAfterDelivery(id, code: 0)
            connection.stopReceiving(id, code: 0)
            connection.consume(5, on: id)
            #expect(connection.receive(from: id) == nil)
            #expect(connection.availableStreams == 0)
            try pair.advance(by: .seconds(5))
        }
        #expect(pair.client.connection.expiry == nil)
    }

    @Test func aClosingEndAnswersWithItsCloseLessAndLessOften() throws {
        let pair = try pair()
        let server = try pair.requireServer()
        pair.network.silenced = [.client]
        let id = try server.connection.openStream()
        pair.client.connection.close(.application(0, reason: ""))
        try pair.advance(by: .milliseconds(1))
        let before = pair.network.sentBytes[.client, default: 0]
        // Each of these arrives on its own.
        for _ in 0..<32 {
            server.connection.send(ByteBuffer(string: "x"), finish: false, on: id)
            try pair.advance(by: .milliseconds(1))
        }
        try pair.advance(by: .milliseconds(20))
        let closeBytes = pair.network.sentBytes[.client, default: 0] - before
        // Answers to the 1st, 2nd, 4th, 8th, 16th and 32nd datagram: six, each of a few dozen bytes.
        #expect(closeBytes > 0)
        #expect(closeBytes <= 6 * 100)
    }

    @Test func aClosingEndAnswersADatagramOnce() throws {
        let pair = try pair()
        let server = try pair.requireServer()
        let id = try server.connection.openStream()
        pair.network.silenced = [.client]
        let before = pair.network.sentBytes[.client, default: 0]
        pair.client.connection.close(.application(0, reason: ""))
        try pair.advance(by: .milliseconds(1))
        let afterClose = pair.network.sentBytes[.client, default: 0]
        server.connection.send(ByteBuffer(string: "x"), finish: false, on: id)
        try pair.advance(by: .milliseconds(1))
        pair.network.silenced = [.client, .server]
        // One datagram arrives, and however often the connection is driven then, one leaves.
        for _ in 0..<20 {
            try pair.advance(by: .milliseconds(1))
        }
        let answerBytes = pair.network.sentBytes[.client, default: 0] - afterClose
        #expect(answerBytes == afterClose - before)
    }

    @Test func silenceEndsAConnectionAfterTheIdleTimeout() throws {
        let pair = try pair { configuration in
            configuration.client.idleTimeout = .seconds(30)
            configuration.client.keepAlive = nil
            configuration.server.keepAlive = nil
        }
        let server = try pair.requireServer()
        try pair.advance(by: .seconds(29))
        #expect(pair.client.closure == nil)
        #expect(server.closure == nil)
        try pair.advance(by: .seconds(2))
        // The smaller of the two timeouts holds for both (RFC 9000 §10.1).
        #expect(pair.client.closure == .idleTimeout)
        #expect(server.closure == .idleTimeout)
        #expect(pair.client.connection.isTerminated)
    }

    @Test(arguments: [ConnectionSide.client, .server])
    func keepAliveOfOneEndKeepsTheConnection(side: ConnectionSide) throws {
        let pair = try pair { configuration in
            configuration.client.idleTimeout = .seconds(30)
            configuration.client.keepAlive = side == .client ? .seconds(20) : nil
            configuration.server.keepAlive = side == .server ? .seconds(20) : nil
        }
        try pair.advance(by: .seconds(3600))
        #expect(pair.client.closure == nil)
        #expect(try pair.requireServer().closure == nil)
    }

    @Test func theOriginalsTimersKeepAConnection() throws {
        let original = TransportSettings(applicationProtocols: [.original])
        let pair = try pair { configuration in
            configuration.client = original
            configuration.server = original
        }
        try pair.advance(by: .seconds(600))
        #expect(pair.client.closure == nil)
    }

    @Test func keepAliveDoesNotHideADeadPeer() throws {
        let pair = try pair()
        pair.network.silenced = [.server]
        #expect(try pair.advance(by: .seconds(200)) { pair.client.closure != nil })
        #expect(pair.client.closure == .idleTimeout)
    }

    @Test func anOutageShorterThanTheIdleTimeoutIsSurvived() throws {
        let pair = try pair()
        let server = try pair.requireServer()
        let id = try pair.client.connection.openStream()
        pair.client.connection.send(ByteBuffer(repeating: 1, count: 1 << 20), finish: true, on: id)
        try pair.advance(by: .seconds(5)) { server.received[id, default: []].count > 100_000 }
        pair.network.silenced = [.client, .server]
        try pair.advance(by: .seconds(25))
        pair.network.silenced = []
        try pair.advance(by: .seconds(60)) { server.finishedStreams.contains(id) }
        #expect(server.received[id]?.count == 1 << 20)
    }

    @Test func aServerThatHasForgottenTheConnectionResetsIt() throws {
        let pair = try pair()
        pair.forgetServer()
        let id = try pair.client.connection.openStream()
        pair.client.connection.send(ByteBuffer(string: "are you there?"), finish: true, on: id)
        #expect(try pair.advance(by: .seconds(5)) { pair.client.closure != nil })
        #expect(pair.client.closure == .statelessReset)
        #expect(pair.serverReplies >= 1)
    }

    @Test func aServerWithoutTheSecretsCannotResetAConnection() throws {
        let pair = try pair()
        pair.forgetServer()
        // What an attacker can do: a reset with a token that was made up.
        pair.network.tamper = { bytes, sender in
            sender == .server ? Array(bytes.dropLast(16)) + [UInt8](repeating: 0, count: 16) : bytes
        }
        let id = try pair.client.connection.openStream()
        pair.client.connection.send(ByteBuffer(string: "are you there?"), finish: true, on: id)
        try pair.advance(by: .seconds(5))
        #expect(pair.serverReplies >= 1)
        #expect(pair.client.closure == nil)
    }
}
