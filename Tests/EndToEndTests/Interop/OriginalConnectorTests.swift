import TestSupport
import Testing

/// Our listener serves an original connector.
@Suite("Interop: original connector", .endToEnd, .enabled(if: InteropPeer.python != nil, InteropPeer.hint))
struct OriginalConnectorTests {
    private static let patience = Duration.seconds(120)
    private let listener: ListenerFixture
    private let target: EchoServer

    init() throws {
        var options = ListenerFixture.Options()
        // A visitor beyond what the connector grants waits so long for its turn.
        options.environment["SWL_VISITOR_WAIT"] = "60"
        listener = try ListenerFixture(options)
        target = try EchoServer()
    }

    @Test func tenMegabytesEchoByteForByte() async throws {
        let (connector, port) = try connected()
        let visitor = try TCPPeer(connectingTo: HostPort(port: port))
        let pattern = BytePattern(byteCount: 10_000_000, seed: 1)
        // No FIN before the echo is complete: the original does not relay a half-close.
        async let sent: Void = visitor.send(pattern, timeout: Self.patience)
        try visitor.receive(pattern, timeout: Self.patience)
        try await sent
        visitor.close()
        expectNoProblems(of: connector)
    }

    @Test func eachStreamStartsWithTheOriginalsHeader() throws {
        let (connector, port) = try connected()
        for streamID in [1, 5, 9] {
            let visitor = try TCPPeer(connectingTo: HostPort(port: port))
            let header = try connector.waitForOutput(prefix: "STREAM \(streamID) ")
            let parts = header.split(separator: "|", omittingEmptySubsequences: false)
            #expect(parts.count == 2)
            #expect(parts.first?.wholeMatch(of: /[0-9]+-[0-9]+/) != nil, "the header was: \(header)")
            #expect(parts.last.map(String.init) == "\(target.endpoint)")
            visitor.close()
        }
        expectNoProblems(of: connector)
    }

    @Test func anIPv6TargetIsWrittenInBrackets() throws {
        let (connector, _) = try connected()
        let target = try EchoServer(on: HostPort(host: "::1", port: 0))
        let port = try listener.open(uid: "client-a", target: target.endpoint)
        let visitor = try TCPPeer(connectingTo: HostPort(port: port))
        try visitor.send("hello")
        #expect(try visitor.receive(exactly: 5) == Array("hello".utf8))
        #expect(try connector.waitForOutput(prefix: "STREAM 1 ").hasSuffix("|\(target.endpoint)"))
        expectNoProblems(of: connector)
    }

    @Test func moreVisitorsThanTheConnectorGrantsAreServedInTheEnd() async throws {
        let (connector, port) = try connected()
        // All there before the first one leaves.
        let visitors = try (0..<150).map { _ in try TCPPeer(connectingTo: HostPort(port: port)) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (number, visitor) in visitors.enumerated() {
                group.addTask {
                    let words = Array("I am visitor \(number)".utf8)
                    try visitor.send(words)
                    #expect(try visitor.receive(exactly: words.count, timeout: Self.patience) == words)
                    visitor.close()
                }
            }
            try await group.waitForAll()
        }
        expectNoProblems(of: connector)
    }

    @Test func halfCloseIsRelayedToAConnectorThatUnderstandsIt() async throws {
        let (connector, port) = try connected(["--half-close"])
        let visitor = try TCPPeer(connectingTo: HostPort(port: port))
        let pattern = BytePattern(byteCount: 1_000_000, seed: 2)
        try await transfer(pattern, from: visitor, to: visitor, timeout: Self.patience)
        expectNoProblems(of: connector)
    }

    @Test func aFailedDialEndsTheVisitor() throws {
        let (_, _) = try connected()
        let nobody = try ReservedPort()
        let port = try listener.open(uid: "client-a", target: nobody.endpoint)
        let visitor = try TCPPeer(connectingTo: HostPort(port: port))
        #expect(try visitor.receiveToEnd().bytes.isEmpty)
    }

    @Test func aConnectorWithoutACertificateIsRefused() throws {
        let connector = try InteropPeer.connector(to: listener, certificate: nil)
        // Its code for a connection that the listener closed.
        try connector.expectExit(3)
        #expect(try !listener.process.waitForLine(containing: "connector refused").metadata("reason").isEmpty)
        #expect(listener.process.lines(containing: "session admitted").isEmpty)
        #expect(try listener.api.open(uid: "", port: 0, target: target.endpoint).status != 200)
    }

    @Test func anExpiredClientCertificateIsRefused() throws {
        let expired = CertificateRequest.client("client-a").with { $0.validity = .expired }
        let connector = try InteropPeer.connector(to: listener, certificate: expired)
        try connector.expectExit(3)
        #expect(
            try listener.process.waitForLine(containing: "connector refused").metadata("reason").contains("expired")
        )
        #expect(try listener.api.open(uid: "client-a", port: 0, target: target.endpoint).status == 404)
    }

    /// A connector with a session, and a port that is forwarded to the echo target.
    private func connected(_ more: [String] = []) throws -> (connector: DaemonProcess, port: Int) {
        let connector = try InteropPeer.connector(to: listener, more)
        _ = try connector.waitForOutput(prefix: "READY")
        try listener.waitForSession(uid: "client-a")
        return (connector, try listener.open(uid: "client-a", target: target.endpoint))
    }

    private func expectNoProblems(of connector: DaemonProcess, sourceLocation: SourceLocation = #_sourceLocation) {
        let problems = connector.outputLines.filter { $0.hasPrefix("PROBLEM") || $0.hasPrefix("CLOSED") }
        #expect(problems.isEmpty, sourceLocation: sourceLocation)
    }
}
