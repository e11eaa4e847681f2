import Foundation
import TestSupport
import Testing

/// Whom the SCEP server knows gets a session under the UID that it names; everybody else is refused.
@Suite("Admission", .endToEnd)
struct AdmissionTests {
    /// Every way of not admitting a client that COMPAT.md knows.
    enum Refusal: CaseIterable, Sendable {
        case notJSON, noUID, uidNotAString, notAnObject, unauthorized, serverError, silence, abruptClose

        var answer: SCEPStub.Answer {
            switch self {
            case .notJSON: .response(status: 200, body: "welcome")
            case .noUID: .response(status: 200, body: #"{"status":"ok"}"#)
            case .uidNotAString: .response(status: 200, body: #"{"uid":7}"#)
            case .notAnObject: .response(status: 200, body: #"["client-a"]"#)
            case .unauthorized: .refuse("certificate revoked")
            case .serverError: .response(status: 500, body: #"{"uid":"client-a"}"#)
            case .silence: .silence
            case .abruptClose: .abruptClose
            }
        }
    }

    @Test func theUIDComesFromTheSCEPServer() throws {
        let stub = try SCEPStub(.admit("employee-7"))
        let listener = try Self.listener(asking: stub)
        let target = try EchoServer()
        let connector = try ConnectorFixture(listenerPort: listener.quicEndpoint.port)
        try listener.waitForSession(uid: "employee-7")

        let port = try listener.open(uid: "employee-7", target: target.endpoint)
        let visitor = try TCPPeer(connectingTo: HostPort(port: port))
        try visitor.send("hello")
        #expect(try visitor.receive(exactly: 5) == Array("hello".utf8))
        let byCommonName = try listener.api.open(uid: "client-a", port: 0, target: target.endpoint)
        #expect(byCommonName.status == 404)
        #expect(connector.process.isRunning)
    }

    @Test func theSCEPServerIsAskedAboutTheLeafInPercentEncodedPEM() throws {
        let stub = try SCEPStub(.admit("client-a"))
        let listener = try Self.listener(asking: stub)
        var options = ConnectorFixture.Options()
        options.certificate.issuer = .intermediate
        let connector = try ConnectorFixture(options, listenerPort: listener.quicEndpoint.port)
        try listener.waitForSession(uid: "client-a")

        let request = try #require(try stub.requests(atLeast: 1).first)
        #expect(request.startLine == "GET /api/cert/verify HTTP/1.1")
        let field = try #require(request.clientCertificate)
        #expect(!field.contains { $0.isWhitespace })
        let path = try ThrowAwayPKI.perRun().certificate(options.certificate).certificatePath
        let end = "-----END CERTIFICATE-----"
        let file = try String(contentsOfFile: path, encoding: .utf8)
        let leaf = try #require(file.range(of: end).map { file[..<$0.upperBound] })
        #expect(field.removingPercentEncoding?.trimmingCharacters(in: .whitespacesAndNewlines) == String(leaf))
        #expect(connector.process.isRunning)
    }

    @Test(arguments: Refusal.allCases)
    func everyOtherAnswerIsARefusal(refusal: Refusal) throws {
        let stub = try SCEPStub(refusal.answer)
        let listener = try Self.listener(asking: stub, ["SWL_SCEP_TIMEOUT": "0.5"])
        let connector = try ConnectorFixture(listenerPort: listener.quicEndpoint.port)

        let seen = try connector.process.waitForLine(containing: "refused by the listener").metadata("reason")
        #expect(!seen.isEmpty)
        if refusal == .unauthorized {
            // No retry can mend that.
            try connector.process.expectExit(1)
        } else {
            try connector.process.waitForLine(containing: "dialling again soon")
        }
        let reason = try listener.process.waitForLine(containing: "connector refused").metadata("reason")
        #expect(!reason.isEmpty)
        if refusal == .unauthorized { #expect(reason.contains("certificate revoked")) }
        try Self.expectNothingBound(listener)
        _ = try stub.requests(atLeast: 1)
    }

    @Test func anUnreachableSCEPServerIsARefusal() throws {
        let nobody = try ReservedPort()
        var options = ListenerFixture.Options()
        options.environment["SWL_SCEP_URL"] = "http://\(nobody.endpoint)/api/cert/verify"
        let listener = try ListenerFixture(options)
        let connector = try ConnectorFixture(listenerPort: listener.quicEndpoint.port)
        try connector.process.waitForLine(containing: "dialling again soon")
        try listener.process.waitForLine(containing: "connector refused")
        try Self.expectNothingBound(listener)
    }

    @Test func aClientRevokedLaterLosesItsLiveSession() throws {
        let stub = try SCEPStub(.admit("client-a"))
        let listener = try Self.listener(asking: stub, ["SWL_SCEP_RECHECK": "1"])
        let target = try EchoServer()
        let connector = try ConnectorFixture(listenerPort: listener.quicEndpoint.port)
        try listener.waitForSession(uid: "client-a")
        let port = try listener.open(uid: "client-a", target: target.endpoint)
        let visitor = try TCPPeer(connectingTo: HostPort(port: port))
        try visitor.send("hello")
        #expect(try visitor.receive(exactly: 5) == Array("hello".utf8))
        // It survives a check that finds it well.
        _ = try stub.requests(atLeast: 2)
        try visitor.send("hello")
        #expect(try visitor.receive(exactly: 5) == Array("hello".utf8))

        stub.answer(.refuse("certificate revoked"))
        try visitor.expectToReceive(Received("", .reset))
        let ended = try listener.process.waitForLine(containing: "session ended")
        #expect(try ended.metadata("client.uid") == "client-a")
        #expect(try ended.metadata("reason").contains("certificate revoked"))
        try connector.process.waitForLine(containing: "reason=")
        try connector.process.expectExit(1)
        try Self.expectNothingBound(listener)
    }

    @Test func aSecondConnectorWithTheSameUIDIsRefusedAndTheFirstServesOn() async throws {
        let target = try EchoServer()
        try await withTunnel { tunnel in
            let port = try tunnel.open(target.endpoint)
            let visitor = try tunnel.visit(port)
            try visitor.send("before")
            #expect(try visitor.receive(exactly: 6) == Array("before".utf8))

            let second = try ConnectorFixture(listenerPort: tunnel.listener.quicEndpoint.port)
            let reason = try second.process.waitForLine(containing: "refused by the listener").metadata("reason")
            #expect(reason.contains("client-a"), "the reason was: \(reason)")
            #expect(second.process.isRunning, "its turn may come")

            try visitor.send("after!")
            #expect(try visitor.receive(exactly: 6) == Array("after!".utf8))
            try tunnel.checkEcho(through: port)
        }
    }

    @Test func connectorsWithDifferentUIDsAreServedSideBySide() async throws {
        let target = try EchoServer()
        try await withTunnel { tunnel in
            let second = try ConnectorFixture(
                ConnectorFixture.Options(uid: "client-b"),
                listenerPort: tunnel.listener.quicEndpoint.port
            )
            try tunnel.listener.waitForSession(uid: "client-b")
            try tunnel.checkEcho(through: try tunnel.open(target.endpoint))
            try tunnel.checkEcho(through: try tunnel.listener.open(uid: "client-b", target: target.endpoint))
            #expect(second.process.isRunning)
        }
    }

    private static func listener(asking stub: SCEPStub, _ more: [String: String] = [:]) throws -> ListenerFixture {
        var options = ListenerFixture.Options()
        options.environment = more.merging(["SWL_SCEP_URL": stub.url]) { $1 }
        return try ListenerFixture(options)
    }

    private static func expectNothingBound(
        _ listener: ListenerFixture,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let opened = try listener.api.open(uid: "client-a", port: 0, target: HostPort(port: 9))
        #expect(opened.status == 404, sourceLocation: sourceLocation)
    }
}
