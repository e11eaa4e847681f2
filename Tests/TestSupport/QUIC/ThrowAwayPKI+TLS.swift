internal import Foundation
package import Shared

extension ThrowAwayPKI {
    /// The instant at which tests judge certificates, in seconds since 1970: the start of the run, as roots are minted
    /// for a month from then on.
    package static let wallClock = Int64(Date().timeIntervalSince1970) + 60

    /// One end's TLS configuration with certificates of this run.
    ///
    /// - Parameters:
    ///   - request: the certificate to present.
    ///   - expectation: whom to expect.
    ///   - authorities: the CA file to trust; nil = the run's own root.
    package func tls(
        _ request: CertificateRequest,
        expecting expectation: PeerExpectation,
        authorities: String? = nil
    ) throws -> TLSConfiguration {
        let files = try certificate(request)
        let credentials = try TLSCredentials(
            chain: CertificateChain(pem: Self.bytes(of: files.certificatePath)),
            key: PrivateKey(pem: Self.bytes(of: files.keyPath))
        )
        let anchors = try TrustAnchors(CertificateChain(pem: Self.bytes(of: authorities ?? caPath)))
        return TLSConfiguration(
            credentials: credentials,
            anchors: anchors,
            expectation: expectation,
            wallClock: { Self.wallClock }
        )
    }

    /// The content of a file.
    package static func bytes(of path: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    }
}

extension ConnectionPair.Configuration {
    /// A connector and a listener that trust each other.
    package static func trusting() throws -> ConnectionPair.Configuration {
        let pki = try ThrowAwayPKI.perRun()
        return ConnectionPair.Configuration(
            clientTLS: try pki.tls(.client("client-1"), expecting: .server(.dns("localhost"))),
            serverTLS: try pki.tls(.server(), expecting: .client)
        )
    }
}
