import Glibc
import TestSupport
import Testing

/// Our listener serves a connector that somebody else wrote from the wire protocol's text.
@Suite("Interop: native connector", .endToEnd, .enabled(if: InteropPeer.python != nil, InteropPeer.hint))
struct NativeConnectorTests {
    private static let patience = Duration.seconds(120)
    private let listener: ListenerFixture
    private let target: EchoServer

    init() throws {
        var options = ListenerFixture.Options()
        options.environment["SWL_DRAIN"] = "30"
        listener = try ListenerFixture(options)
        target = try EchoServer()
    }

    @Test func welcomeSaysWhoTheConnectorIs() throws {
        let connector = try NativePeer.connector(to: listener)
        let welcome = try connector.waitForOutput(prefix: "WELCOME ")
        #expect(try connector.value("uid", in: welcome) == "client-a")
        #expect(try connector.value("version", in: welcome) == "1")
        #expect(try connector.value("capabilities", in: welcome) == "1")
        #expect(try connector.value("dead_after", in: welcome) == "30000")
        let other = try NativePeer.connector(to: listener, uid: "client-b").waitForOutput(prefix: "WELCOME ")
        #expect(try connector.value("session", in: welcome) != connector.value("session", in: other))
        connector.expectNoProblems()
    }

    @Test func warpIsChosenWhereBothProtocolsAreOffered() throws {
        let connector = try NativePeer.connector(to: listener, ["--offer-both"])
        _ = try connector.waitForOutput(prefix: "WELCOME ")
        connector.expectNoProblems()
    }

    @Test func tenMegabytesEchoByteForByte() async throws {
        let (connector, port) = try connected()
        let visitor = try TCPPeer(connectingTo: HostPort(port: port))
        try await transfer(
            BytePattern(byteCount: 10_000_000, seed: 1),
            from: visitor,
            to: visitor,
            timeout: Self.patience
        )
        connector.expectNoProblems()
    }

    @Test func eachRelayHasAnIDAndTheTarget() throws {
        let (connector, port) = try connected()
        let ids = try [1, 5, 9].map { streamID in
            let visitor = try TCPPeer(connectingTo: HostPort(port: port))
            let line = try connector.waitForOutput(prefix: "STREAM \(streamID) ")
            #expect(line.hasSuffix(" kind=1 \(target.endpoint)"))
            visitor.close()
            return try connector.value("relay", in: line)
        }
        #expect(Set(ids).count == ids.count)
        connector.expectNoProblems()
    }

    @Test func anIPv6TargetIsWrittenWithoutBrackets() throws {
        let (connector, _) = try connected()
        let target = try EchoServer(on: HostPort(host: "::1", port: 0))
        let port = try listener.open(uid: "client-a", target: target.endpoint)
        try checkEcho(through: port)
        #expect(try connector.waitForOutput(prefix: "STREAM 1 ").hasSuffix(" ::1:\(target.endpoint.port)"))
        connector.expectNoProblems()
    }

    @Test func aVisitorsBytesCrossBeforeTheDial() throws {
        let (connector, port) = try connected(["--dial-after", "5"])
        let visitor = try TCPPeer(connectingTo: HostPort(port: port))
        try visitor.send("early")
        #expect(try visitor.receive(exactly: 5) == Array("early".utf8))
        #expect(try connector.waitForOutput(prefix: "EARLY 1 ") == "5")
        connector.expectNoProblems()
    }

    @Test func endsCrossAsWhatTheyAre() async throws {
        let (connector, _) = try connected()
        let acceptor = try TCPAcceptor()
        let port = try listener.open(uid: "client-a", target: acceptor.endpoint)
        let pattern = BytePattern(byteCount: 500_000, seed: 2)

        var visitor = try TCPPeer(connectingTo: HostPort(port: port))
        var accepted = try acceptor.accept()
        try await transfer(pattern, from: visitor, to: accepted, timeout: Self.patience)
        try await transfer(pattern, from: accepted, to: visitor, timeout: Self.patience)

        visitor = try TCPPeer(connectingTo: HostPort(port: port))
        accepted = try acceptor.accept()
        try visitor.reset()
        try accepted.expectToReceive(Received("", .reset))

        visitor = try TCPPeer(connectingTo: HostPort(port: port))
        accepted = try acceptor.accept()
        try accepted.reset()
        try visitor.expectToReceive(Received("", .reset))
        connector.expectNoProblems()
    }

    /// The last one is not in the specification: it counts as unreachable.
    @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 8, 9, 63])
    func aRelayThatIsDeclinedResetsItsVisitor(status: Int) throws {
        let (connector, port) = try connected(["--reply", "\(status)"])
        let visitor = try TCPPeer(connectingTo: HostPort(port: port))
        try visitor.expectToReceive(Received("", .reset))
        #expect(connector.isRunning)
        connector.expectNoProblems()
    }

    @Test func probesAreAnswered() throws {
        let (connector, _) = try connected()
        _ = try connector.waitForOutput(prefix: "ANSWERED 1")
        connector.send(SIGUSR1)
        _ = try connector.waitForOutput(prefix: "ANSWERED 2")
        connector.expectNoProblems()
    }

    /// The first probe is answered under the first 1-RTT keys, and each transfer has new ones.
    @Test(arguments: ["AES_128_GCM_SHA256", "AES_256_GCM_SHA384", "CHACHA20_POLY1305_SHA256"])
    func everyCipherSuiteAndItsKeyUpdatesAreUnderstood(suite: String) async throws {
        let (connector, port) = try connected(["--cipher-suite", suite, "--update-keys"])
        _ = try connector.waitForOutput(prefix: "KEY PHASE 1")
        var visitor = try TCPPeer(connectingTo: HostPort(port: port))
        try await transfer(BytePattern(byteCount: 500_000, seed: 5), from: visitor, to: visitor)
        connector.send(SIGUSR1)
        _ = try connector.waitForOutput(prefix: "KEY PHASE 0")
        visitor = try TCPPeer(connectingTo: HostPort(port: port))
        try await transfer(BytePattern(byteCount: 500_000, seed: 6), from: visitor, to: visitor)
        connector.expectNoProblems()
    }

    @Test func aSecondConnectorIsRefusedWhileTheFirstAnswers() throws {
        let (first, port) = try connected()
        let second = try NativePeer.connector(to: listener)
        let refusal = try second.waitForOutput(prefix: "REFUSED ")
        #expect(try second.value("reason", in: refusal) == "1")
        #expect(try UInt64(second.value("since", in: refusal)) != nil)
        try checkEcho(through: port)
        first.expectNoProblems()
    }

    @Test func aConnectorThatHasFrozenGivesWay() throws {
        let (first, port) = try connected()
        first.send(SIGSTOP)
        let second = try NativePeer.connector(to: listener)
        _ = try second.waitForOutput(prefix: "WELCOME ")
        try checkEcho(through: port)
        second.expectNoProblems()
    }

    @Test func theSameProgramTakesOverAtOnce() throws {
        let instance = ["--instance", "000102030405060708090a0b0c0d0e0f"]
        let (first, port) = try connected(instance)
        let second = try NativePeer.connector(to: listener, instance)
        _ = try second.waitForOutput(prefix: "WELCOME ")
        #expect(try first.waitForOutput(prefix: "CLOSED ").hasPrefix("code=16 "))
        try checkEcho(through: port)
        second.expectNoProblems()
    }

    @Test func aConnectorThatGoesAwayFinishesItsRelays() async throws {
        let (connector, port) = try connected()
        let visitor = try TCPPeer(connectingTo: HostPort(port: port))
        try visitor.send("x")
        #expect(try visitor.receive(exactly: 1) == Array("x".utf8))
        connector.send(SIGUSR2)
        _ = try connector.waitForOutput(prefix: "LEFT")
        try await transfer(BytePattern(byteCount: 1_000_000, seed: 3), from: visitor, to: visitor)
        try connector.expectExit(0)
        _ = try listener.process.waitForLine(containing: "session ended")
        connector.expectNoProblems()
    }

    @Test func aListenerThatShutsDownSaysSoAndFinishesItsRelays() async throws {
        let (connector, port) = try connected()
        let visitor = try TCPPeer(connectingTo: HostPort(port: port))
        try visitor.send("x")
        #expect(try visitor.receive(exactly: 1) == Array("x".utf8))
        listener.process.terminate()
        let leaving = try connector.waitForOutput(prefix: "LEAVING ")
        #expect(try UInt64(connector.value("finish", in: leaving)) != nil)
        try await transfer(BytePattern(byteCount: 1_000_000, seed: 4), from: visitor, to: visitor)
        #expect(try connector.waitForOutput(prefix: "CLOSED ").hasPrefix("code=19 "))
        try listener.process.expectExit(0)
        connector.expectNoProblems()
    }

    /// A connector with a session, and a port that is forwarded to the echo target.
    private func connected(_ more: [String] = []) throws -> (connector: DaemonProcess, port: Int) {
        let connector = try NativePeer.connector(to: listener, more)
        _ = try connector.waitForOutput(prefix: "WELCOME ")
        try listener.waitForSession(uid: "client-a")
        return (connector, try listener.open(uid: "client-a", target: target.endpoint))
    }

    private func checkEcho(through port: Int) throws {
        let visitor = try TCPPeer(connectingTo: HostPort(port: port))
        try visitor.send("is this port served?")
        #expect(try visitor.receive(exactly: 20) == Array("is this port served?".utf8))
        visitor.close()
    }
}
