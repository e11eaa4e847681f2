import TestSupport
import Testing

/// The control API as the original's users know it, row by row of COMPAT.md.
@Suite("Control API", .endToEnd)
struct ControlAPITests {
    /// A body of `/open` that is refused, and the field that the answer must name.
    struct BadBody: Sendable, CustomTestStringConvertible {
        let body: String
        let field: String?

        var testDescription: String { body }

        static let all = [
            BadBody(body: "not JSON", field: nil),
            BadBody(body: "", field: nil),
            BadBody(body: "[]", field: nil),
            BadBody(body: #"{"port":0,"connect_address":"127.0.0.1","connect_port":9}"#, field: "uid"),
            BadBody(body: #"{"uid":"client-a","connect_address":"127.0.0.1","connect_port":9}"#, field: "port"),
            BadBody(body: #"{"uid":"client-a","port":0,"connect_port":9}"#, field: "connect_address"),
            BadBody(body: #"{"uid":"client-a","port":0,"connect_address":"127.0.0.1"}"#, field: "connect_port"),
            BadBody(body: #"{"uid":7,"port":0,"connect_address":"127.0.0.1","connect_port":9}"#, field: "uid"),
            BadBody(
                body: #"{"uid":"client-a","port":"0","connect_address":"127.0.0.1","connect_port":9}"#,
                field: "port"
            ),
            BadBody(
                body: #"{"uid":"client-a","port":65536,"connect_address":"127.0.0.1","connect_port":9}"#,
                field: "port"
            ),
            BadBody(
                body: #"{"uid":"client-a","port":-1,"connect_address":"127.0.0.1","connect_port":9}"#,
                field: "port"
            ),
            BadBody(
                body: #"{"uid":"client-a","port":0,"connect_address":"127.0.0.1","connect_port":65536}"#,
                field: "connect_port"
            ),
        ]
    }

    @Test func openAnswersAsTheOriginalDid() async throws {
        let target = try EchoServer()
        try await withTunnel { tunnel in
            let response = try tunnel.api.open(uid: tunnel.uid, port: 0, target: target.endpoint)
            #expect(response.status == 200)
            #expect(response.body == "TcpListener created successfully!")
            #expect(response.field("Content-Type")?.hasPrefix("text/plain") == true)
        }
    }

    @Test func openAnswersWithJSONWhenAsked() async throws {
        struct Opened: Decodable {
            let port: Int
        }
        try await withTunnel { tunnel in
            let response = try tunnel.api.open(
                uid: tunnel.uid,
                port: 0,
                target: HostPort(port: 9),
                accept: "application/json"
            )
            #expect(response.status == 200)
            #expect(response.field("Content-Type")?.hasPrefix("application/json") == true)
            #expect(try tunnel.api.list().map(\.port) == [response.decoded(as: Opened.self).port])
        }
    }

    @Test func openWithAnUnknownUIDIsNotFound() throws {
        let listener = try ListenerFixture()
        let response = try listener.api.open(uid: "nobody", port: 0, target: HostPort(port: 9))
        #expect(response.status == 404)
        #expect(response.body == "No QUIC connection exists for the specified UID.")
        #expect(try listener.api.list().isEmpty)
    }

    @Test(arguments: BadBody.all)
    func openWithABadBodyIsABadRequest(bad: BadBody) async throws {
        try await withTunnel { tunnel in
            let response = try tunnel.api.request("POST", "/open", json: bad.body)
            #expect(response.status == 400)
            #expect(!response.body.isEmpty)
            if let field = bad.field { #expect(response.body.contains(field), "the answer was: \(response.body)") }
            #expect(try tunnel.api.list().isEmpty)
        }
    }

    @Test func unknownMembersAreIgnored() async throws {
        try await withTunnel { tunnel in
            let response = try tunnel.api.request(
                "POST",
                "/open",
                json: """
                    {"uid":"\(tunnel.uid)","port":0,"connect_address":"127.0.0.1","connect_port":9,"comment":{"a":[1]}}
                    """
            )
            #expect(response.status == 200)
        }
    }

    @Test func anotherContentTypeIsRefused() throws {
        let listener = try ListenerFixture()
        let response = try listener.api.request(
            "POST",
            "/open",
            fields: ["Content-Type": "text/plain"],
            body: #"{"uid":"a","port":0,"connect_address":"127.0.0.1","connect_port":9}"#
        )
        #expect(response.status == 415 || response.status == 400)
        #expect(response.body.contains("application/json"))
    }

    @Test func aBodyThatIsTooLargeIsRefused() throws {
        let listener = try ListenerFixture()
        let padding = String(repeating: "x", count: 4 << 20)
        let response = try listener.api.request("POST", "/open", json: #"{"padding":"\#(padding)"}"#)
        #expect(response.status == 413)
        #expect(try listener.api.list().isEmpty)
    }

    @Test func closeAnswersAsTheOriginalDid() async throws {
        try await withTunnel { tunnel in
            let port = try tunnel.open(HostPort(port: 9))
            let closed = try tunnel.api.close(port: port)
            #expect(closed.status == 200)
            #expect(closed.body == "Task \(port) canceled")
            let again = try tunnel.api.close(port: port)
            #expect(again.status == 404)
            #expect(again.body == "Task \(port) not found")
        }
    }

    @Test(arguments: ["not JSON", "{}", #"{"port":"80"}"#, #"{"port":65536}"#])
    func closeWithABadBodyIsABadRequest(body: String) throws {
        let listener = try ListenerFixture()
        let response = try listener.api.request("DELETE", "/close", json: body)
        #expect(response.status == 400)
    }

    @Test func listIsAJSONArray() throws {
        let listener = try ListenerFixture()
        let response = try listener.api.request("GET", "/list")
        #expect(response.status == 200)
        #expect(response.field("Content-Type")?.hasPrefix("application/json") == true)
        #expect(response.body == "[]")
    }

    @Test(arguments: [("GET", "/open", "POST"), ("POST", "/close", "DELETE"), ("DELETE", "/list", "GET")])
    func anotherMethodIsNotAllowed(method: String, path: String, allowed: String) throws {
        let listener = try ListenerFixture()
        let response = try listener.api.request(method, path)
        #expect(response.status == 405)
        #expect(response.field("Allow")?.contains(allowed) == true)
    }

    @Test func anotherPathIsNotFound() throws {
        let listener = try ListenerFixture()
        #expect(try listener.api.request("GET", "/nowhere").status == 404)
    }
}
