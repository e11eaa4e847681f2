internal import CQuic

/// The CA certificates that a peer's chain must lead to, and the one place that judges a peer's certificate. Owns the
/// libcrypto store.
package final class TrustAnchors {
    /// Longer chains than this are refused before anything is parsed.
    private static let maximumPeerChain = 16

    private let store: OpaquePointer

    /// - Parameter authorities: every certificate of the CA file: roots, and intermediates that are trusted as they are.
    /// - Throws: ``CertificateError/unusable(_:)``
    package init(_ authorities: CertificateChain) throws(CertificateError) {
        guard let store = X509_STORE_new() else { throw .unusable("out of memory") }
        for certificate in authorities.certificates {
            guard X509_STORE_add_cert(store, certificate.handle) == 1 else {
                X509_STORE_free(store)
                ERR_clear_error()
                throw .unusable("libcrypto refuses one of its certificates")
            }
        }
        self.store = store
    }

    deinit {
        X509_STORE_free(store)
    }

    /// Verifies signatures up to an anchor, dates, purpose, key strength and, for a server, the name (RFC 5280 §6,
    /// RFC 9525). Fails closed.
    ///
    /// - Parameters:
    ///   - chain: what the peer sent, the leaf first (X.509 DER).
    ///   - now: seconds since 1970.
    package func verify(
        _ chain: [[UInt8]],
        as expectation: PeerExpectation,
        at now: Int64
    ) throws(CertificateRejection) -> VerifiedCertificate {
        guard let leafBytes = chain.first else {
            throw CertificateRejection(description: "none was presented", tlsAlert: TLSAlert.certificateRequired)
        }
        guard chain.count <= Self.maximumPeerChain else {
            throw CertificateRejection(description: "its chain is too long", tlsAlert: TLSAlert.badCertificate)
        }
        var certificates: [Certificate] = []
        for der in chain {
            guard let certificate = Certificate(der: der) else {
                throw CertificateRejection(description: "it is malformed", tlsAlert: TLSAlert.badCertificate)
            }
            certificates.append(certificate)
        }
        try verify(leaf: certificates[0], intermediates: certificates.dropFirst(), as: expectation, at: now)
        return VerifiedCertificate(der: leafBytes, commonName: certificates[0].commonName)
    }

    private func verify(
        leaf: Certificate,
        intermediates: ArraySlice<Certificate>,
        as expectation: PeerExpectation,
        at now: Int64
    ) throws(CertificateRejection) {
        let outOfMemory = CertificateRejection(description: "out of memory", tlsAlert: TLSAlert.certificateUnknown)
        guard let context = X509_STORE_CTX_new() else { throw outOfMemory }
        defer {
            X509_STORE_CTX_free(context)
            ERR_clear_error()
        }
        guard let untrusted = warp_x509_stack_new() else { throw outOfMemory }
        defer { warp_x509_stack_free(untrusted) }
        for certificate in intermediates where warp_x509_stack_push(untrusted, certificate.handle) != 1 {
            throw outOfMemory
        }
        guard X509_STORE_CTX_init(context, store, leaf.handle, untrusted) == 1,
            let parameters = X509_STORE_CTX_get0_param(context),
            Self.configure(parameters, expectation, now)
        else { throw outOfMemory }
        guard X509_verify_cert(context) != 1 else { return }
        let error = X509_STORE_CTX_get_error(context)
        throw Self.rejection(error, depth: X509_STORE_CTX_get_error_depth(context), expectation)
    }

    private static func configure(_ parameters: OpaquePointer, _ expectation: PeerExpectation, _ now: Int64) -> Bool {
        // Any certificate of the CA file is an anchor, be it self-signed or not.
        guard X509_VERIFY_PARAM_set_flags(parameters, UInt(X509_V_FLAG_PARTIAL_CHAIN)) == 1 else { return false }
        // At least 112 bits of security in every key and signature: RSA 2048, P-256, SHA-256.
        X509_VERIFY_PARAM_set_auth_level(parameters, 2)
        X509_VERIFY_PARAM_set_time(parameters, Int(now))
        switch expectation {
        case .client:
            return X509_VERIFY_PARAM_set_purpose(parameters, X509_PURPOSE_SSL_CLIENT) == 1
        case .server(let name):
            // RFC 9525 §6.3: the common name is not a host name.
            X509_VERIFY_PARAM_set_hostflags(parameters, UInt32(X509_CHECK_FLAG_NEVER_CHECK_SUBJECT))
            guard X509_VERIFY_PARAM_set_purpose(parameters, X509_PURPOSE_SSL_SERVER) == 1 else { return false }
            switch name {
            case .dns(let host): return X509_VERIFY_PARAM_set1_host(parameters, host, host.utf8.count) == 1
            case .address(let address): return X509_VERIFY_PARAM_set1_ip_asc(parameters, address) == 1
            }
        }
    }

    private static func rejection(_ error: Int32, depth: Int32, _ expectation: PeerExpectation) -> CertificateRejection
    {
        let text = X509_verify_cert_error_string(Int(error)).map { String(cString: $0) } ?? "error \(error)"
        let whose = depth == 0 ? "" : " (issuer at depth \(depth))"
        let (description, alert): (String, UInt8) =
            switch error {
            case X509_V_ERR_CERT_HAS_EXPIRED: ("it has expired", TLSAlert.certificateExpired)
            case X509_V_ERR_CERT_NOT_YET_VALID: ("it is not yet valid", TLSAlert.badCertificate)
            case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
                X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
                X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
                ("it was not issued by a CA that is trusted here (unknown CA)", TLSAlert.unknownCA)
            case X509_V_ERR_INVALID_PURPOSE:
                ("its purpose does not allow use as a TLS \(expectation.roleName)", TLSAlert.unsupportedCertificate)
            case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH:
                ("it does not name \(expectation.expectedName)", TLSAlert.badCertificate)
            case X509_V_ERR_CERT_REVOKED: ("it is revoked", TLSAlert.certificateRevoked)
            default: (text, TLSAlert.certificateUnknown)
            }
        return CertificateRejection(description: description + whose, tlsAlert: alert)
    }
}

extension PeerExpectation {
    fileprivate var roleName: String {
        switch self {
        case .client: "client"
        case .server: "server"
        }
    }

    fileprivate var expectedName: String {
        switch self {
        case .client: "a client"
        case .server(let name): name.text
        }
    }
}

// The store is filled by `init` and only read afterwards; libcrypto locks its object cache itself (X509_STORE_lock).
extension TrustAnchors: @unchecked Sendable {}
