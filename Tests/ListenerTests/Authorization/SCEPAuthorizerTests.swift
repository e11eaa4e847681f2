import NIOCore
import NIOPosix
import Testing

@testable import Listener
@testable import Shared

@Suite("SCEPAuthorizer", .timeLimit(.minutes(1)))
struct SCEPAuthorizerTests {
    private static let leaf = VerifiedCertificate(der: Array(0...99), commonName: "ignored")
    private static let yes = #"{"uid": "alice", "status": "ok", "attributes": {"a": [1]}}"#

    /// The verdict that a URL gives.
    private func verdict(from url: String, timeout: TimeAmount = .seconds(10)) async throws -> AuthorizationVerdict {
        let authorizer = SCEPAuthorizer(
            endpoint: try SCEPEndpoint(RawSetting(name: "SWL_SCEP_URL", text: url)),
            timeout: timeout,
            eventLoopGroup: .singletonMultiThreadedEventLoopGroup
        )
        let verdict = await authorizer.verdict(on: Self.leaf)
        try await authorizer.shutdown()
        return verdict
    }

    /// The verdict that a server with these behaviours gives, and the requests that it got.
    private func ask(
        _ behaviours: StubSCEPServer.Behaviour...,
        timeout: TimeAmount = .seconds(10)
    ) async throws -> (AuthorizationVerdict, requests: [String]) {
        let server = try await StubSCEPServer.start(behaviours)
        let url = "http://127.0.0.1:\(server.port)/api/cert/verify?x=1"
        let verdict = try await verdict(from: url, timeout: timeout)
        try await server.stop()
        return (verdict, server.requests)
    }

    private func expectUndecided(_ verdict: AuthorizationVerdict, because text: String) {
        guard case .undecided(let reason) = verdict else {
            Issue.record("\(verdict)")
            return
        }
        #expect(reason.contains(text), "\(reason)")
    }

    @Test(arguments: ["200 OK", "201 Created", "299 Whatever"])
    func successWithUIDIsAYes(status: String) async throws {
        let (verdict, _) = try await ask(.respond(status, Self.yes))
        #expect(verdict == .belongs(to: try ClientUID("alice")))
    }

    @Test func requestCarriesTheLeafAsPercentEncodedPEM() async throws {
        let (_, requests) = try await ask(.respond("200 OK", Self.yes))
        let request = try #require(requests.first)
        #expect(requests.count == 1)
        #expect(request.hasPrefix("GET /api/cert/verify?x=1 HTTP/1.1\r\n"))
        #expect(request.contains("\r\nX-Mtls-Clientcert: -----BEGIN%20CERTIFICATE-----%0AAAECAwQF"))
        #expect(request.contains("%0A-----END%20CERTIFICATE-----%0A\r\n"))
    }

    @Test(arguments: [
        "", "yes", "[]", "{}", #"{"uid": 7}"#, #"{"uid": null}"#, #"{"UID": "alice"}"#, #"{"uid": "alice""#,
    ])
    func successWithoutUsableBodyIsNoYes(body: String) async throws {
        let (verdict, _) = try await ask(.respond("200 OK", body))
        expectUndecided(verdict, because: "answer cannot be used")
    }

    @Test(arguments: ["", " alice", #"a\u0000"#])
    func successWithImpossibleUIDIsANo(uid: String) async throws {
        let (verdict, _) = try await ask(.respond("200 OK", "{\"uid\": \"\(uid)\"}"))
        guard case .refused(let reason) = verdict else {
            Issue.record("\(verdict)")
            return
        }
        #expect(reason.hasPrefix("the SCEP server's client UID "))
    }

    @Test(arguments: [
        ("401 Unauthorized", #"{"message": "certificate has been revoked"}"#, "certificate has been revoked"),
        ("401 Unauthorized", #"{"message": "a\u001b[31m\nb"}"#, "a\u{FFFD}[31m\u{FFFD}b"),
        ("401 Unauthorized", #"{"message": ""}"#, "status 401"),
        ("401 Unauthorized", #"{"message": 7}"#, "status 401"),
        ("401 Unauthorized", "expired", "status 401"),
        ("403 Forbidden", "", "status 403"),
        ("403 Forbidden", #"{"uid": "alice"}"#, "status 403"),
    ])
    func refusalIsANoInTheWordsOfTheServer(status: String, body: String, words: String) async throws {
        let (verdict, requests) = try await ask(.respond(status, body))
        #expect(verdict == .refused(reason: "the SCEP server refused the certificate: \(words)"))
        #expect(requests.count == 1)
    }

    @Test func longMessageIsCut() async throws {
        let message = String(repeating: "x", count: 10_000)
        let (verdict, _) = try await ask(.respond("401 Unauthorized", "{\"message\": \"\(message)\"}"))
        let kept = String(repeating: "x", count: 197) + "…"  // 200 bytes
        #expect(verdict == .refused(reason: "the SCEP server refused the certificate: \(kept)"))
    }

    @Test(arguments: ["500 Internal Server Error", "503 Service Unavailable", "404 Not Found", "400 Bad Request"])
    func otherStatusDecidesNothingAndIsNotAskedAgain(status: String) async throws {
        let (verdict, requests) = try await ask(.respond(status, Self.yes))
        expectUndecided(verdict, because: "answered with status \(status.prefix(3))")
        #expect(requests.count == 1)
    }

    @Test func redirectIsNotFollowed() async throws {
        let elsewhere = try await StubSCEPServer.start([.respond("200 OK", Self.yes)])
        let location = "Location: http://127.0.0.1:\(elsewhere.port)/\r\n"
        let (verdict, _) = try await ask(.respond("302 Found", Self.yes, headers: location))
        expectUndecided(verdict, because: "redirect (status 302)")
        #expect(elsewhere.requests.isEmpty)
        try await elsewhere.stop()
    }

    @Test func hangEndsAtTheTimeout() async throws {
        let (verdict, requests) = try await ask(.hang, timeout: .milliseconds(100))
        expectUndecided(verdict, because: "no complete answer within 0.1 s")
        #expect(requests.count <= 1, "asked again")  // on a busy machine the time is over before the request has come
    }

    @Test func bodyThatNeverEndsEndsAtTheTimeout() async throws {
        let start = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"
        let (verdict, _) = try await ask(.write(start, closes: false), timeout: .milliseconds(100))
        expectUndecided(verdict, because: "no complete answer within 0.1 s")
    }

    @Test func abruptCloseIsAskedAgainTwice() async throws {
        let (verdict, requests) = try await ask(.closeAbruptly)
        expectUndecided(verdict, because: "the connection was closed before an answer")
        #expect(requests.count == 3)
    }

    @Test func answerAfterAnAbruptCloseCounts() async throws {
        let (verdict, requests) = try await ask(.closeAbruptly, .closeAbruptly, .respond("200 OK", Self.yes))
        #expect(verdict == .belongs(to: try ClientUID("alice")))
        #expect(requests.count == 3)
    }

    @Test func bodyThatBreaksOffIsNotAskedForAgain() async throws {
        let start = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"
        let (verdict, requests) = try await ask(.write(start, closes: true))
        expectUndecided(verdict, because: "broke off its answer")
        #expect(requests.count == 1)
    }

    @Test func oversizedBodyIsRefusedBeforeItIsRead() async throws {
        let body = "{\"uid\": \"alice\"" + String(repeating: " ", count: SCEPAnswer.maxBodyBytes) + "}"
        let (verdict, _) = try await ask(.respond("200 OK", body))
        expectUndecided(verdict, because: "larger than 65536 bytes")
    }

    @Test func refusedConnectionDecidesNothing() async throws {
        let server = try await StubSCEPServer.start([.hang])
        let port = server.port
        try await server.stop()
        let verdict = try await verdict(from: "http://127.0.0.1:\(port)/")
        expectUndecided(verdict, because: "Connection refused (os error 111)")
    }

    @Test func answerWithoutTLSIsNoAnswerOverHTTPS() async throws {
        let server = try await StubSCEPServer.start([.respond("200 OK", Self.yes)])
        let verdict = try await verdict(from: "https://127.0.0.1:\(server.port)/", timeout: .milliseconds(300))
        expectUndecided(verdict, because: "the SCEP server")
        #expect(server.requests.isEmpty)
        try await server.stop()
    }

    @Test func oneAuthorizerAnswersManyQuestionsAtOnce() async throws {
        let server = try await StubSCEPServer.start([.respond("200 OK", Self.yes)])
        let authorizer = SCEPAuthorizer(
            endpoint: try SCEPEndpoint(RawSetting(name: "X", text: "http://127.0.0.1:\(server.port)/")),
            timeout: .seconds(20),
            eventLoopGroup: .singletonMultiThreadedEventLoopGroup
        )
        let alice = try ClientUID("alice")
        await withTaskGroup(of: AuthorizationVerdict.self) { group in
            for _ in 0..<100 {
                group.addTask { await authorizer.verdict(on: Self.leaf) }
            }
            for await verdict in group {
                #expect(verdict == .belongs(to: alice))
            }
        }
        #expect(server.requests.count == 100)
        try await authorizer.shutdown()
        try await server.stop()
    }
}
