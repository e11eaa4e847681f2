import NIOCore
import Shared
import TestSupport
import Testing

@Suite("QUICConnection: certificates that are refused")
struct CertificateRefusalTests {
    /// What one end presents or expects, and how the other must judge it.
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        var client = CertificateRequest.client("client-1")
        var server = CertificateRequest.server()
        var expectedName = "localhost"
        /// Who trusts only a root that signed nothing.
        var distrusting: ConnectionSide?
        let refusing: ConnectionSide
        let alert: UInt8
        /// What a person must be able to read.
        let reason: String

        var testDescription: String { name }
    }

    static let cases = [
        Case(
            name: "expired client",
            client: .client("expired").with { $0.validity = .expired },
            refusing: .server,
            alert: 45,
            reason: "has expired"
        ),
        Case(
            name: "client not yet valid",
            client: .client("early").with { $0.validity = .notYetValid },
            refusing: .server,
            alert: 42,
            reason: "not yet valid"
        ),
        Case(
            name: "client of an unknown CA",
            client: .client("stranger").with { $0.issuer = .stranger },
            refusing: .server,
            alert: 48,
            reason: "unknown CA"
        ),
        Case(
            name: "server that trusts another CA",
            distrusting: .server,
            refusing: .server,
            alert: 48,
            reason: "unknown CA"
        ),
        Case(
            name: "client with a server's certificate",
            client: .client("purpose").with { $0.purpose = .server },
            refusing: .server,
            alert: 43,
            reason: "purpose"
        ),
        Case(
            name: "expired server",
            server: .server().with { $0.validity = .expired },
            refusing: .client,
            alert: 45,
            reason: "has expired"
        ),
        Case(
            name: "server not yet valid",
            server: .server().with { $0.validity = .notYetValid },
            refusing: .client,
            alert: 42,
            reason: "not yet valid"
        ),
        Case(
            name: "server of an unknown CA",
            server: .server().with { $0.issuer = .stranger },
            refusing: .client,
            alert: 48,
            reason: "unknown CA"
        ),
        Case(
            name: "client that trusts another CA",
            distrusting: .client,
            refusing: .client,
            alert: 48,
            reason: "unknown CA"
        ),
        Case(
            name: "server with a client's certificate",
            server: .server().with { $0.purpose = .client },
            refusing: .client,
            alert: 43,
            reason: "purpose"
        ),
        Case(
            name: "server with another name",
            expectedName: "other.example",
            refusing: .client,
            alert: 42,
            reason: "does not name other.example"
        ),
        Case(
            name: "server with another address",
            expectedName: "127.0.0.9",
            refusing: .client,
            alert: 42,
            reason: "does not name 127.0.0.9"
        ),
        Case(
            name: "server whose common name alone would fit",
            server: .server().with { $0.alternativeNames = ["DNS:other.example"] },
            expectedName: "socket-warp-test-listener",
            refusing: .client,
            alert: 42,
            reason: "does not name"
        ),
    ]

    @Test(arguments: cases)
    func isRefusedByTheEndThatSeesIt(_ refusal: Case) throws {
        let pki = try ThrowAwayPKI.perRun()
        let name = try #require(ServerName(refusal.expectedName))
        let configuration = ConnectionPair.Configuration(
            clientTLS: try pki.tls(
                refusal.client,
                expecting: .server(name),
                authorities: refusal.distrusting == .client ? pki.unrelatedCAPath : nil
            ),
            serverTLS: try pki.tls(
                refusal.server,
                expecting: .client,
                authorities: refusal.distrusting == .server ? pki.unrelatedCAPath : nil
            )
        )
        let pair = try ConnectionPair(configuration)
        let areBothOver = try pair.advance(by: .seconds(30)) {
            pair.client.closure != nil && pair.server?.closure != nil
        }
        #expect(areBothOver)

        let refusing = try pair.end(refusal.refusing)
        let refused = try pair.end(refusal.refusing.other)
        guard case .local(let frame) = refusing.closure else {
            Issue.record("the refusing end ended with \(String(describing: refusing.closure))")
            return
        }
        #expect(frame.tlsAlert == refusal.alert)
        #expect(frame.reason.contains(refusal.reason))
        #expect(!refusing.hasCompletedHandshake)
        #expect(refusing.connection.peerCertificate == nil)
        #expect(refused.closure == .peer(frame))
    }

    @Test func aClientWithAnIntermediateIsAccepted() throws {
        let pki = try ThrowAwayPKI.perRun()
        var configuration = try ConnectionPair.Configuration.trusting()
        configuration.clientTLS = try pki.tls(
            .client("below an intermediate").with { $0.issuer = .intermediate },
            expecting: .server(.address("127.0.0.1"))
        )
        let pair = try ConnectionPair(configuration)
        try pair.completeHandshake()
        #expect(try pair.requireServer().connection.peerCertificate?.commonName == "below an intermediate")
    }

    @Test(arguments: CertificateRequest.Key.allCases)
    func everyKindOfKeyIsAccepted(_ key: CertificateRequest.Key) throws {
        let pki = try ThrowAwayPKI.perRun()
        let pair = try ConnectionPair(
            ConnectionPair.Configuration(
                clientTLS: try pki.tls(
                    .client("client-1").with { $0.key = key },
                    expecting: .server(.dns("localhost")),
                    authorities: pki.caBundlePath
                ),
                serverTLS: try pki.tls(.server().with { $0.key = key }, expecting: .client)
            )
        )
        try pair.completeHandshake()
    }
}
