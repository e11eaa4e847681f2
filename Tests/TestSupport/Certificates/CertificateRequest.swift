/// What a throw-away certificate shall be like. The defaults make a good one for a client.
package struct CertificateRequest: Hashable, Sendable {
    /// What the certificate may be used for (extended key usage).
    package enum Purpose: String, Sendable {
        case client = "clientAuth"
        case server = "serverAuth"
    }

    /// When the certificate holds.
    package enum Validity: Sendable {
        case current, expired, notYetValid
    }

    /// The key's kind and the PEM that it is kept in.
    package enum Key: CaseIterable, Sendable {
        case ecdsaPKCS8, ecdsaSEC1, rsaPKCS8, rsaPKCS1
    }

    /// Who signs.
    package enum Issuer: Sendable {
        /// The root that `ThrowAwayPKI.caPath` holds.
        case root
        /// An intermediate below the root; the certificate file then holds the leaf and the intermediate.
        case intermediate
        /// A root that nobody trusts.
        case stranger
    }

    package var commonName: String
    package var purpose = Purpose.client
    /// Subject alternative names as OpenSSL writes them, such as `DNS:localhost`.
    package var alternativeNames: [String] = []
    package var validity = Validity.current
    package var key = Key.ecdsaPKCS8
    package var issuer = Issuer.root

    /// A request for a client's certificate; its common name is the client UID.
    package static func client(_ uid: String) -> CertificateRequest {
        CertificateRequest(commonName: uid)
    }

    /// A request for a certificate of a listener that is reached by any name of this machine's loopback.
    package static func server() -> CertificateRequest {
        CertificateRequest(
            commonName: "socket-warp test listener",
            purpose: .server,
            alternativeNames: ["DNS:localhost", "IP:127.0.0.1", "IP:::1"]
        )
    }

    /// The same request with one or more things changed.
    package func with(_ change: (inout CertificateRequest) -> Void) -> CertificateRequest {
        var copy = self
        change(&copy)
        return copy
    }
}

/// A certificate and its key, as files.
package struct CertificateFiles: Sendable {
    /// PEM: the leaf, then an intermediate if there is one.
    package let certificatePath: String
    package let keyPath: String
}
