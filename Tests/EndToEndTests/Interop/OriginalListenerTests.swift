import TestSupport
import Testing

/// Our connector serves an original listener.
@Suite("Interop: original listener", .endToEnd, .enabled(if: InteropPeer.python != nil, InteropPeer.hint))
struct OriginalListenerTests {
    private static let patience = Duration.seconds(120)

    @Test func tenMegabytesEchoByteForByte() async throws {
        let target = try EchoServer()
        let ends = try connected(to: target.endpoint)
        let visitor = try TCPPeer(connectingTo: HostPort(port: ends.visitorPort))
        let pattern = BytePattern(byteCount: 10_000_000, seed: 1)
        async let sent: Void = visitor.send(pattern, timeout: Self.patience)
        try visitor.receive(pattern, timeout: Self.patience)
        try await sent
        try ends.shutDown()
    }

    @Test func halfCloseIsRelayedBothWays() async throws {
        let acceptor = try TCPAcceptor()
        let ends = try connected(to: acceptor.endpoint, ["--half-close"])
        let visitor = try TCPPeer(connectingTo: HostPort(port: ends.visitorPort))
        let target = try acceptor.accept()
        let up = BytePattern(byteCount: 1_000_000, seed: 2)
        let down = BytePattern(byteCount: 1_000_000, seed: 3)
        try await transfer(up, from: visitor, to: target, timeout: Self.patience)
        try await transfer(down, from: target, to: visitor, timeout: Self.patience)
        try ends.shutDown()
    }

    @Test func aFailedDialEndsTheStream() throws {
        let nobody = try ReservedPort()
        let ends = try connected(to: nobody.endpoint)
        let visitor = try TCPPeer(connectingTo: HostPort(port: ends.visitorPort))
        #expect(try visitor.receiveToEnd().bytes.isEmpty)
        try ends.shutDown()
    }

    @Test func manyVisitorsAreServedAtOnce() throws {
        let target = try EchoServer()
        let ends = try connected(to: target.endpoint)
        let visitors = try (0..<90).map { _ in try TCPPeer(connectingTo: HostPort(port: ends.visitorPort)) }
        for (number, visitor) in visitors.enumerated() { try visitor.send("I am visitor \(number + 100)") }
        for (number, visitor) in visitors.enumerated() {
            #expect(try visitor.receive(exactly: 16) == Array("I am visitor \(number + 100)".utf8))
        }
        try ends.shutDown()
    }

    @Test func aRefusalIsToldAndTriedAgain() throws {
        let listener = try InteropPeer.listener(target: HostPort(port: 9), ["--refuse"])
        let connector = try ConnectorFixture(listenerPort: listener.port)
        #expect(try !connector.process.waitForLine(containing: "reason=").metadata("reason").isEmpty)
        // The original gives no reason that a program could tell from a passing one.
        try connector.process.waitForLine(containing: "dialling again soon")
    }

    /// An original listener and our connector, connected.
    private struct Ends {
        let listener: DaemonProcess
        let connector: ConnectorFixture
        let visitorPort: Int

        func shutDown() throws {
            connector.process.terminate()
            try connector.process.expectExit(0)
            // The listener was told why: shutting down (0x13).
            #expect(try listener.waitForOutput(prefix: "CLOSED ").hasPrefix("code=19 "))
        }
    }

    private func connected(to target: HostPort, _ more: [String] = []) throws -> Ends {
        let (listener, port) = try InteropPeer.listener(target: target, more)
        let connector = try ConnectorFixture(listenerPort: port)
        #expect(try listener.waitForOutput(prefix: "CONNECTED ") == "client-a")
        let visitorPort = try InteropPeer.number(listener.waitForOutput(prefix: "PORT "))
        return Ends(listener: listener, connector: connector, visitorPort: visitorPort)
    }
}
