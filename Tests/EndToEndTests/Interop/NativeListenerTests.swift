import Glibc
import TestSupport
import Testing

/// Our connector serves a listener that somebody else wrote from the wire protocol's text.
@Suite("Interop: native listener", .endToEnd, .enabled(if: InteropPeer.python != nil, InteropPeer.hint))
struct NativeListenerTests {
    private static let patience = Duration.seconds(120)

    @Test func helloSaysWhatTheProgramIs() throws {
        let ends = try connected(to: HostPort(port: 9))
        let hello = try ends.listener.waitForOutput(prefix: "HELLO ")
        #expect(try ends.listener.value("version", in: hello) == "1")
        #expect(try ends.listener.value("capabilities", in: hello) == "1")
        #expect(try !ends.listener.value("software", in: hello).isEmpty)
        try ends.shutDown()
    }

    @Test func anInstanceIsAProgramsNotASessions() throws {
        let ends = try connected(to: HostPort(port: 9))
        ends.listener.send(SIGUSR2)
        let hellos = try ends.listener.waitForOutputs(prefix: "HELLO ", count: 2)
        let instances = try hellos.map { try ends.listener.value("instance", in: $0) }
        #expect(instances[0] == instances[1])
        _ = try ends.listener.waitForOutputs(prefix: "CONNECTED ", count: 2)
        try ends.shutDown()

        let other = try connected(to: HostPort(port: 9))
        let hello = try other.listener.waitForOutput(prefix: "HELLO ")
        #expect(try other.listener.value("instance", in: hello) != instances[0])
        try other.shutDown()
    }

    @Test func tenMegabytesEchoByteForByte() async throws {
        let target = try EchoServer()
        let ends = try connected(to: target.endpoint)
        let visitor = try ends.visit()
        try await transfer(
            BytePattern(byteCount: 10_000_000, seed: 1),
            from: visitor,
            to: visitor,
            timeout: Self.patience
        )
        try ends.shutDown()
    }

    @Test(arguments: ["AES_128_GCM_SHA256", "AES_256_GCM_SHA384", "CHACHA20_POLY1305_SHA256"])
    func everyCipherSuiteIsUnderstood(suite: String) async throws {
        let target = try EchoServer()
        let ends = try connected(to: target.endpoint, ["--cipher-suite", suite])
        let visitor = try ends.visit()
        try await transfer(BytePattern(byteCount: 500_000, seed: 3), from: visitor, to: visitor)
        try ends.shutDown()
    }

    @Test func endsCrossAsWhatTheyAre() async throws {
        let acceptor = try TCPAcceptor()
        let ends = try connected(to: acceptor.endpoint)
        let pattern = BytePattern(byteCount: 500_000, seed: 2)

        var visitor = try ends.visit()
        var accepted = try acceptor.accept()
        try await transfer(pattern, from: visitor, to: accepted, timeout: Self.patience)
        try await transfer(pattern, from: accepted, to: visitor, timeout: Self.patience)

        visitor = try ends.visit()
        accepted = try acceptor.accept()
        try visitor.reset()
        try accepted.expectToReceive(Received("", .reset))

        visitor = try ends.visit()
        accepted = try acceptor.accept()
        try accepted.reset()
        try visitor.expectToReceive(Received("", .reset))
        try ends.shutDown()
    }

    @Test func aRefusedDialIsTold() throws {
        let nobody = try ReservedPort()
        try expectDecline(to: nobody.endpoint, status: 1, code: 2)
    }

    @Test func anUnknownKindIsTold() throws {
        try expectDecline(to: HostPort(port: 9), ["--kind", "2"], status: 6, code: 9)
    }

    @Test func manyVisitorsAreServedAtOnce() throws {
        let target = try EchoServer()
        let ends = try connected(to: target.endpoint)
        let visitors = try (0..<90).map { _ in try ends.visit() }
        for (number, visitor) in visitors.enumerated() { try visitor.send("I am visitor \(number + 100)") }
        for (number, visitor) in visitors.enumerated() {
            #expect(try visitor.receive(exactly: 16) == Array("I am visitor \(number + 100)".utf8))
        }
        visitors.forEach { $0.close() }
        try ends.shutDown()
    }

    @Test func probesAreAnswered() throws {
        let ends = try connected(to: HostPort(port: 9))
        _ = try ends.listener.waitForOutput(prefix: "ANSWERED 1")
        ends.listener.send(SIGUSR1)
        _ = try ends.listener.waitForOutput(prefix: "ANSWERED 2")
        try ends.shutDown()
    }

    @Test func aListenerThatGoesAwayIsComeBackTo() async throws {
        let target = try EchoServer()
        let ends = try connected(to: target.endpoint)
        let visitor = try ends.visit()
        try visitor.send("x")
        #expect(try visitor.receive(exactly: 1) == Array("x".utf8))
        ends.listener.send(SIGUSR2)
        try await transfer(BytePattern(byteCount: 1_000_000, seed: 3), from: visitor, to: visitor)
        _ = try ends.listener.waitForOutputs(prefix: "CONNECTED ", count: 2)
        try ends.shutDown()
    }

    @Test func aListenerThatNeverWantsToBeComeBackToHangsNothing() throws {
        let ends = try connected(to: HostPort(port: 9), ["--come-back", "4611686018427387903"])
        ends.listener.send(SIGUSR2)
        _ = try ends.listener.waitForOutput(prefix: "CLOSED ")
        #expect(ends.connector.process.isRunning)
        ends.connector.process.terminate()
        try ends.connector.process.expectExit(0)
    }

    @Test func aConnectorThatShutsDownSaysSoAndFinishesItsRelays() async throws {
        let target = try EchoServer()
        let ends = try connected(to: target.endpoint)
        let visitor = try ends.visit()
        try visitor.send("x")
        #expect(try visitor.receive(exactly: 1) == Array("x".utf8))
        ends.connector.process.terminate()
        _ = try ends.listener.waitForOutput(prefix: "LEAVING ")
        try await transfer(BytePattern(byteCount: 1_000_000, seed: 4), from: visitor, to: visitor)
        try ends.connector.process.expectExit(0)
        #expect(try ends.listener.waitForOutput(prefix: "CLOSED ").hasPrefix("code=19 "))
        ends.listener.expectNoProblems()
    }

    /// The last one is not in the specification: it is as 4.
    @Test(arguments: [2, 4, 5, 99])
    func aRefusalThatARetryCannotMendEndsTheConnector(reason: Int) throws {
        let words = "reason \(reason) for a person"
        let listener = try NativePeer.listener(
            target: HostPort(port: 9),
            ["--refuse", "\(reason)", "--refusal-text", words]
        )
        let connector = try ConnectorFixture(listenerPort: listener.port)
        try connector.process.expectExit(1)
        #expect(connector.process.errorLines.contains { $0.contains(words) }, "\(connector.process.recentLog)")
    }

    @Test(arguments: [1, 3, 6])
    func anotherRefusalIsTriedAgain(reason: Int) throws {
        let listener = try NativePeer.listener(target: HostPort(port: 9), ["--refuse", "\(reason)", "--in-use"])
        let connector = try ConnectorFixture(listenerPort: listener.port)
        _ = try listener.process.waitForOutputs(prefix: "HELLO ", count: 3)
        #expect(connector.process.isRunning)
        connector.process.terminate()
        try connector.process.expectExit(0)
    }

    /// A native listener and our connector, connected.
    private struct Ends {
        let listener: DaemonProcess
        let connector: ConnectorFixture

        /// Connects to the port of the latest session.
        func visit() throws -> TCPPeer {
            let ports = listener.outputLines.filter { $0.hasPrefix("PORT ") }
            let port = try #require(ports.last)
            return try TCPPeer(connectingTo: HostPort(port: InteropPeer.number(String(port.dropFirst(5)))))
        }

        func shutDown(sourceLocation: SourceLocation = #_sourceLocation) throws {
            connector.process.terminate()
            try connector.process.expectExit(0, sourceLocation: sourceLocation)
            listener.expectNoProblems(sourceLocation: sourceLocation)
        }
    }

    private func connected(to target: HostPort, _ more: [String] = []) throws -> Ends {
        let (listener, port) = try NativePeer.listener(target: target, more)
        var options = ConnectorFixture.Options()
        options.drainTimeout = 30
        let connector = try ConnectorFixture(options, listenerPort: port)
        #expect(try listener.waitForOutput(prefix: "CONNECTED ") == "client-a")
        _ = try listener.waitForOutput(prefix: "PORT ")
        return Ends(listener: listener, connector: connector)
    }

    private func expectDecline(
        to target: HostPort,
        _ more: [String] = [],
        status: Int,
        code: Int,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let ends = try connected(to: target, more)
        let visitor = try ends.visit()
        let reply = try ends.listener.waitForOutput(prefix: "REPLY 1 ")
        #expect(reply.hasPrefix("\(status) ") && reply.count > 2, "\(reply)", sourceLocation: sourceLocation)
        #expect(try ends.listener.waitForOutput(prefix: "STOPPED 1 ") == "\(code)", sourceLocation: sourceLocation)
        try visitor.expectToReceive(Received("", .reset), sourceLocation: sourceLocation)
        try ends.shutDown(sourceLocation: sourceLocation)
    }
}
