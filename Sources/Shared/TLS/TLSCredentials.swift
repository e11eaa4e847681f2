internal import CQuic

/// Our certificate chain and its private key, in the form that GnuTLS takes. Owns the GnuTLS object.
package final class TLSCredentials {
    let handle: gnutls_certificate_credentials_t

    /// - Parameters:
    ///   - chain: the leaf first, then its intermediates.
    ///   - key: the leaf's private key.
    /// - Throws: ``CertificateError/keyDoesNotMatch`` or ``CertificateError/unusable(_:)``.
    package init(chain: CertificateChain, key: PrivateKey) throws(CertificateError) {
        guard chain.leaf.matches(key) else { throw .keyDoesNotMatch }
        var handle: gnutls_certificate_credentials_t?
        guard gnutls_certificate_allocate_credentials(&handle) == GNUTLS_E_SUCCESS, let handle else {
            throw .unusable("out of memory")
        }
        let chainPEM = chain.pem
        let result = key.withPKCS8PEM { keyPEM in
            chainPEM.withUnsafeBufferPointer { chainBytes in
                var chainDatum = gnutls_datum_t(
                    data: UnsafeMutablePointer(mutating: chainBytes.baseAddress),
                    size: UInt32(chainBytes.count)
                )
                var keyDatum = gnutls_datum_t(
                    data: UnsafeMutablePointer(mutating: keyPEM.baseAddress),
                    size: UInt32(keyPEM.count)
                )
                return gnutls_certificate_set_x509_key_mem2(
                    handle,
                    &chainDatum,
                    &keyDatum,
                    GNUTLS_X509_FMT_PEM,
                    nil,
                    0
                )
            }
        }
        guard let result, result >= 0 else {
            gnutls_certificate_free_credentials(handle)
            throw .unusable(result.flatMap { gnutls_strerror($0) }.map { String(cString: $0) } ?? "out of memory")
        }
        self.handle = handle
    }

    deinit {
        gnutls_certificate_free_credentials(handle)
    }
}

// The handle is written by `init` alone; GnuTLS only reads credentials during handshakes ("can be shared by several
// sessions and threads", GnuTLS manual §6.3), and `deinit` runs when nobody holds them.
extension TLSCredentials: @unchecked Sendable {}
