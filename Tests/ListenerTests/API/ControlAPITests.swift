import FoundationEssentials
import Hummingbird
import HummingbirdTesting
import NIOCore
import NIOPosix
import Shared
import TestSupport
import Testing

@testable import Listener

@Suite("ControlAPI", .timeLimit(.minutes(1)))
struct ControlAPITests {
    private static let json: HTTPFields = [.contentType: "application/json"]
    private static let openBody = #"{"uid": "alice", "port": 0, "connect_address": "::1", "connect_port": 80}"#

    /// Runs `body` with a client of an API whose table has one session, `alice`'s.
    private func withAPI(
        _ setup: TestingSetup = .router,
        bodyTimeout: Duration = .seconds(30),
        stored: StoredForwards = StoredForwards(),
        sessions: [SessionStatus] = [],
        _ body: @Sendable (any TestClientProtocol, ForwardFixture) async throws -> Void
    ) async throws {
        let fixture = try ForwardFixture(stored: stored)
        let api = ControlAPI(forwards: fixture.table, sessions: { sessions }, bodyTimeout: bodyTimeout)
        let application = Application(
            router: api.router(),
            configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
            logger: LogRecorder().logger()
        )
        try await application.test(setup) { try await body($0, fixture) }
        await fixture.table.closeAll()
    }

    /// Sends a request and expects a status; returns the text of the body.
    private static func send(
        _ client: any TestClientProtocol,
        _ method: HTTPRequest.Method,
        _ path: String,
        _ body: String? = nil,
        headers: HTTPFields = json,
        expecting status: HTTPResponse.Status
    ) async throws -> String {
        try await client.execute(uri: path, method: method, headers: headers, body: body.map { ByteBuffer(string: $0) })
        {
            #expect($0.status == status)
            return String(buffer: $0.body)
        }
    }

    @Test(arguments: [TestingSetup.router, .live])
    func portIsOpenedListedAndClosedWithTheTextsOfTheOriginal(setup: TestingSetup) async throws {
        try await withAPI(setup) { client, fixture in
            let opened = try await Self.send(client, .post, "/open", Self.openBody, expecting: .ok)
            #expect(opened == "TcpListener created successfully!")
            let port = try #require(await fixture.forwards().first).port
            let list = try await Self.send(client, .get, "/list", headers: [:], expecting: .ok)
            #expect(
                list == #"""
                    [{"bytes_from_target":0,"bytes_to_target":0,"connect_address":"::1","connect_port":80,"error":null,\#
                    "last_dial_error":null,"listening":true,"open_relays":0,"port":\#(port),"session":null,\#
                    "session_up":false,"uid":"alice"}]
                    """#
            )
            let closed = try await Self.send(client, .delete, "/close", "{\"port\": \(port)}", expecting: .ok)
            #expect(closed == "Task \(port) canceled")
            let again = try await Self.send(client, .delete, "/close", "{\"port\": \(port)}", expecting: .notFound)
            #expect(again == "Task \(port) not found")
            #expect(try await Self.send(client, .get, "/list", headers: [:], expecting: .ok) == "[]")
        }
    }

    @Test func realPortIsReportedInJSONToThoseWhoPreferIt() async throws {
        try await withAPI { client, fixture in
            let headers: HTTPFields = [.contentType: "application/json; charset=utf-8", .accept: "application/json"]
            let body = try await Self.send(client, .post, "/open", Self.openBody, headers: headers, expecting: .ok)
            let port = try #require(await fixture.forwards().first).port
            #expect(body == #"{"connect_address":"::1","connect_port":80,"port":\#(port),"uid":"alice"}"#)
        }
    }

    @Test func unknownUIDIsNotFound() async throws {
        try await withAPI { client, _ in
            let body = #"{"uid": "bob", "port": 0, "connect_address": "a", "connect_port": 80}"#
            let text = try await Self.send(client, .post, "/open", body, expecting: .notFound)
            #expect(text == "No QUIC connection exists for the specified UID.")
        }
    }

    @Test func portInUseIsAConflictThatNamesPortAndCause() async throws {
        try await withAPI { client, fixture in
            let port = try await fixture.table.open(try fixture.request()).port
            let body = #"{"uid": "alice", "port": \#(port), "connect_address": "::1", "connect_port": 80}"#
            let text = try await Self.send(client, .post, "/open", body, expecting: .conflict)
            #expect(text == "Failed to create TcpListener: port \(port): it is open as a forward")
        }
    }

    @Test func sessionsAreShownByUIDWithTheirForwards() async throws {
        let sessions = [try SessionStatus.sample(uid: "bob"), try SessionStatus.sample(uid: "alice")]
        try await withAPI(sessions: sessions) { client, fixture in
            let port = try await fixture.table.open(try fixture.request()).port
            let text = try await Self.send(client, .get, "/v1/sessions", headers: [:], expecting: .ok)
            struct Session: Decodable {
                struct Forward: Decodable {
                    let port: UInt16
                }
                let uid: String
                let forwards: [Forward]
            }
            let shown = try JSONDecoder().decode([Session].self, from: Data(text.utf8))
            #expect(shown.map(\.uid) == ["alice", "bob"])
            #expect(shown.map { $0.forwards.map(\.port) } == [[port.number], []])
            let list = try await Self.send(client, .get, "/list", headers: [:], expecting: .ok)
            #expect(list.contains(#""session_up":true,"uid":"alice""#))
        }
    }

    @Test func whatCannotBeStoredIsAnErrorThatNamesTheCause() async throws {
        let stored = StoredForwards()
        try await withAPI(stored: stored) { client, fixture in
            let port = try await fixture.table.open(try fixture.request()).port
            stored.isFailing = true
            let closed = try await Self.send(
                client,
                .delete,
                "/close",
                "{\"port\": \(port)}",
                expecting: .internalServerError
            )
            #expect(closed == "Failed to remove port \(port) from the store, so that it is still open: disk full")
            let opened = try await Self.send(client, .post, "/open", Self.openBody, expecting: .internalServerError)
            #expect(opened.hasPrefix("Failed to store port "))
            #expect(opened.hasSuffix(", which is closed again: disk full"))
            #expect(await fixture.forwards().map(\.port) == [port])
        }
    }

    @Test(arguments: [
        (#"{"port": 0, "connect_address": "a", "connect_port": 80}"#, "\"uid\" is missing"),
        (#"{"uid": "", "port": 0, "connect_address": "a", "connect_port": 80}"#, "\"uid\" is empty"),
        (
            #"{"uid": 7, "port": 0, "connect_address": "a", "connect_port": 80}"#,
            "\"uid\" must be a string, not the number 7"
        ),
        (
            #"{"uid": "a\n", "port": 0, "connect_address": "a", "connect_port": 80}"#,
            "\"uid\" contains a control character"
        ),
        (#"{"uid": "alice", "connect_address": "a", "connect_port": 80}"#, "\"port\" is missing"),
        (
            #"{"uid": "alice", "port": "80", "connect_address": "a", "connect_port": 80}"#,
            "\"port\" must be a whole number, not the string \"80\""
        ),
        (
            #"{"uid": "alice", "port": null, "connect_address": "a", "connect_port": 80}"#,
            "\"port\" must be a whole number, not null"
        ),
        (
            #"{"uid": "alice", "port": -1, "connect_address": "a", "connect_port": 80}"#,
            "\"port\" is -1, and must be a whole number from 0 to 65535"
        ),
        (
            #"{"uid": "alice", "port": 70000, "connect_address": "a", "connect_port": 80}"#,
            "\"port\" is 70000, and must be"
        ),
        (
            #"{"uid": "alice", "port": 80.5, "connect_address": "a", "connect_port": 80}"#,
            "\"port\" is 80.5, and must be"
        ),
        (#"{"uid": "alice", "port": 0, "connect_port": 80}"#, "\"connect_address\" is missing"),
        (
            #"{"uid": "alice", "port": 0, "connect_address": "", "connect_port": 80}"#,
            "\"connect_address\" has an empty host"
        ),
        (
            #"{"uid": "alice", "port": 0, "connect_address": "a|b", "connect_port": 80}"#,
            "\"connect_address\" has a host with"
        ),
        (
            #"{"uid": "alice", "port": 0, "connect_address": "a", "connect_port": 0}"#,
            "\"connect_port\" is 0, and must be a whole number from 1 to 65535"
        ),
        (#"{"uid": "alice", "port": 0, "connect_address": "a"}"#, "\"connect_port\" is missing"),
        ("[]", "a JSON object is expected, not an array"),
        ("uid=alice", "not valid JSON at line 1, column 1"),
        ("", "not valid JSON at line 1, column 1"),
    ])
    func badBodyIsRefusedNamingTheField(body: String, complaint: String) async throws {
        try await withAPI { client, fixture in
            let text = try await Self.send(client, .post, "/open", body, expecting: .badRequest)
            #expect(text.contains(complaint), "\(text)")
            #expect(await fixture.forwards().isEmpty)
        }
    }

    @Test(arguments: [
        ("{}", "\"port\" is missing"), (#"{"port": "80"}"#, "\"port\" must be"),
        (#"{"port": 65536}"#, "\"port\" is 65536"),
    ])
    func badBodyOfCloseIsRefusedNamingTheField(body: String, complaint: String) async throws {
        try await withAPI { client, _ in
            let text = try await Self.send(client, .delete, "/close", body, expecting: .badRequest)
            #expect(text.contains(complaint))
        }
    }

    @Test func unknownMembersAreIgnoredAndNumbersMayBeWrittenInAnyWay() async throws {
        try await withAPI { client, fixture in
            let body =
                #"{"uid": "alice", "port": 0.0, "connect_address": "[::1]", "connect_port": 1e3, "x": {"y": []}}"#
            _ = try await Self.send(client, .post, "/open", body, expecting: .ok)
            #expect(await fixture.forwards().first?.target == (try TargetAddress(host: "::1", port: 1000)))
        }
    }

    @Test(
        arguments: [("POST", "/open"), ("DELETE", "/close")],
        [nil, "text/plain", "application/x-www-form-urlencoded", ""]
    )
    func otherContentTypeIsRefusedSayingWhatIsExpected(endpoint: (String, String), type: String?) async throws {
        let method = try #require(HTTPRequest.Method(endpoint.0))
        try await withAPI { client, _ in
            var headers = HTTPFields()
            headers[.contentType] = type
            let text = try await Self.send(
                client,
                method,
                endpoint.1,
                Self.openBody,
                headers: headers,
                expecting: .unsupportedMediaType
            )
            #expect(text.hasPrefix("Content-Type must be application/json"))
        }
    }

    @Test(arguments: [TestingSetup.router, .live])
    func bodyAboveTheLimitIsTooLarge(setup: TestingSetup) async throws {
        try await withAPI(setup) { client, _ in
            let largest =
                Self.openBody + String(repeating: " ", count: ControlAPI.maxBodyBytes - Self.openBody.utf8.count)
            _ = try await Self.send(client, .post, "/open", largest, expecting: .ok)
            let text = try await Self.send(client, .post, "/open", largest + " ", expecting: .contentTooLarge)
            #expect(text == "The body is larger than 16384 bytes.")
        }
    }

    @Test func bodyThatDoesNotArriveTimesOutAndTheConnectionIsClosed() async throws {
        try await withAPI(.live, bodyTimeout: .milliseconds(50)) { client, _ in
            let connection = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .connect(host: "127.0.0.1", port: try #require(client.port)) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                    }
                }
            let head =
                "POST /open HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
            let answer = try await connection.executeThenClose { inbound, outbound in
                try await outbound.write(ByteBuffer(string: head))
                return try await inbound.reduce(into: "") { $0 += String(buffer: $1) }
            }
            #expect(answer.hasPrefix("HTTP/1.1 408 "))
            #expect(answer.hasSuffix("The body did not arrive in time."))
        }
    }

    @Test(arguments: [
        ("/open", "GET", "POST"), ("/close", "POST", "DELETE"), ("/list", "DELETE", "GET, HEAD"),
        ("/v1/sessions", "POST", "GET, HEAD"),
        ("/open/", "OPTIONS", "POST"),
    ])
    func otherMethodIsNotAllowedAndTheRightOneNamed(path: String, method: String, allow: String) async throws {
        let method = try #require(HTTPRequest.Method(method))
        try await withAPI { client, _ in
            try await client.execute(uri: path, method: method) { response in
                #expect(response.status == .methodNotAllowed)
                #expect(response.headers[.allow] == allow)
            }
        }
    }

    @Test(arguments: ["/list", "/v1/sessions"])
    func headIsAnsweredWhereGetIs(path: String) async throws {
        try await withAPI { client, _ in
            let body = try await Self.send(client, .head, path, expecting: .ok)
            #expect(body.isEmpty)
        }
    }

    @Test(arguments: ["/", "/opened", "/open/x", "//open", "/sessions", "/v1", "/v1/list"])
    func unknownPathIsNotFound(path: String) async throws {
        try await withAPI { client, _ in
            let text = try await Self.send(client, .post, path, Self.openBody, expecting: .notFound)
            #expect(text.hasPrefix("No such path."))
        }
    }
}
