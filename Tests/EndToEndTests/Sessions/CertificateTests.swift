import TestSupport
import Testing

/// Both ends take only a certificate that is good in every way, and say why when they do not.
@Suite("Certificates", .endToEnd)
struct CertificateTests {
    /// What can be wrong with a certificate, and a word of which one must be in the reason.
    enum Defect: CaseIterable, Sendable {
        case unknownCA, expired, notYetValid, wrongPurpose, wrongName

        var words: [String] {
            switch self {
            case .unknownCA: ["unknown", "issuer", "authority", " ca", "trust"]
            case .expired: ["expired"]
            case .notYetValid: ["not yet", "future"]
            case .wrongPurpose: ["purpose", "usage"]
            case .wrongName: ["name"]
            }
        }

        func applied(to request: CertificateRequest) -> CertificateRequest {
            request.with { request in
                switch self {
                case .unknownCA: request.issuer = .stranger
                case .expired: request.validity = .expired
                case .notYetValid: request.validity = .notYetValid
                case .wrongPurpose: request.purpose = request.purpose == .client ? .server : .client
                case .wrongName: request.alternativeNames = ["DNS:elsewhere.example"]
                }
            }
        }
    }

    @Test(arguments: [Defect.unknownCA, .expired, .notYetValid, .wrongPurpose])
    func aBadClientCertificateIsRefused(defect: Defect) throws {
        let listener = try ListenerFixture()
        var options = ConnectorFixture.Options()
        options.certificate = defect.applied(to: options.certificate)
        let connector = try ConnectorFixture(options, listenerPort: listener.quicEndpoint.port)

        try connector.process.expectExit(1)
        #expect(try !connector.process.waitForLine(containing: "reason=").metadata("reason").isEmpty)
        let reason = try listener.process.waitForLine(containing: "connector refused").metadata("reason")
        #expect(defect.words.contains { reason.lowercased().contains($0) }, "the reason was: \(reason)")
        let opened = try listener.api.open(uid: options.certificate.commonName, port: 0, target: HostPort(port: 9))
        #expect(opened.status == 404)

        listener.process.terminate()
        try listener.process.expectExit(0)
        #expect(listener.process.lines(containing: "connector refused").count == 1)
        #expect(listener.process.lines(containing: "session admitted").isEmpty)
    }

    @Test(arguments: Defect.allCases)
    func aBadServerCertificateIsRefused(defect: Defect) throws {
        var options = ListenerFixture.Options()
        options.certificate = defect.applied(to: options.certificate)
        let listener = try ListenerFixture(options)
        let connector = try ConnectorFixture(listenerPort: listener.quicEndpoint.port)

        try connector.process.expectExit(1)
        let log = connector.process.errorLines.joined(separator: "\n").lowercased()
        #expect(defect.words.contains { log.contains($0) }, "the connector wrote: \(log)")
        #expect(connector.process.lines(containing: "connected to the listener").isEmpty)
        let opened = try listener.api.open(uid: "client-a", port: 0, target: HostPort(port: 9))
        #expect(opened.status == 404)

        listener.process.terminate()
        try listener.process.expectExit(0)
        #expect(listener.process.lines(containing: "session admitted").isEmpty)
    }

    @Test func aConnectorThatTrustsAnotherRootRefusesTheListener() throws {
        let listener = try ListenerFixture()
        var options = ConnectorFixture.Options()
        options.caPath = try ThrowAwayPKI.perRun().unrelatedCAPath
        let connector = try ConnectorFixture(options, listenerPort: listener.quicEndpoint.port)
        try connector.process.expectExit(1)
        #expect(listener.process.lines(containing: "session admitted").isEmpty)
    }

    @Test(arguments: CertificateRequest.Key.allCases)
    func everyKeyFormIsTakenOnBothEnds(key: CertificateRequest.Key) async throws {
        try await checkTunnelWorks(
            Tunnel.Options {
                $0.listener.certificate.key = key
                $0.connector.certificate.key = key
            }
        )
    }

    @Test func chainsThroughAnIntermediateAreTakenOnBothEnds() async throws {
        try await checkTunnelWorks(
            Tunnel.Options {
                $0.listener.certificate.issuer = .intermediate
                $0.connector.certificate.issuer = .intermediate
            }
        )
    }

    @Test func aCAFileWithSeveralCertificatesIsTakenOnBothEnds() async throws {
        let bundle = try ThrowAwayPKI.perRun().caBundlePath
        try await checkTunnelWorks(
            Tunnel.Options {
                $0.listener.caPath = bundle
                $0.connector.caPath = bundle
            }
        )
    }

    private func checkTunnelWorks(_ options: Tunnel.Options) async throws {
        let target = try EchoServer()
        try await withTunnel(options) { tunnel in
            try tunnel.checkEcho(through: try tunnel.open(target.endpoint))
        }
    }
}
