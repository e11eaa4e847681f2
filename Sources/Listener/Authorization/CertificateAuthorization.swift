package import Shared

/// The authority that says whom a verified client certificate belongs to.
package enum CertificateAuthorization: Sendable {
    /// The certificate itself: its common name is the client UID.
    case commonName
    /// A SCEP server, asked for each certificate.
    case scep(SCEPAuthorizer)

    /// Decides about a certificate that TLS verified. Bounded in time by the SCEP timeout.
    package func verdict(on leaf: VerifiedCertificate) async -> AuthorizationVerdict {
        switch self {
        case .commonName: Self.commonNameVerdict(on: leaf)
        case .scep(let authorizer): await authorizer.verdict(on: leaf)
        }
    }

    /// Decides whether the owner of a certificate that TLS verified is let in.
    package func admission(of leaf: VerifiedCertificate) async -> Admission {
        Admission(await verdict(on: leaf))
    }

    private static func commonNameVerdict(on leaf: VerifiedCertificate) -> AuthorizationVerdict {
        guard let commonName = leaf.commonName else {
            return .refused(reason: "the certificate's subject has no common name, or more than one")
        }
        do throws(ClientUIDError) {
            return .belongs(to: try ClientUID(commonName))
        } catch {
            return .refused(reason: "the certificate's common name \(error)")
        }
    }
}
