internal import CQuic

/// A private key, RSA or ECDSA. Owns the libcrypto object, which zeroes the key when it is freed.
package final class PrivateKey {
    let handle: OpaquePointer

    /// - Parameter pem: the content of a file: PKCS#8, PKCS#1 or SEC1, not encrypted.
    /// - Throws: ``CertificateError/noPrivateKey`` or ``CertificateError/encryptedPrivateKey``.
    package init(pem: [UInt8]) throws(CertificateError) {
        defer { ERR_clear_error() }
        guard let bio = BIO_new_mem_buf(pem, Int32(clamping: pem.count)) else { throw .unusable("out of memory") }
        defer { BIO_free(bio) }
        guard let handle = PEM_read_bio_PrivateKey(bio, nil, warp_no_password, nil) else {
            let text = String(decoding: pem, as: UTF8.self)
            throw text.contains("ENCRYPTED") ? .encryptedPrivateKey : .noPrivateKey
        }
        self.handle = handle
    }

    deinit {
        EVP_PKEY_free(handle)
    }

    /// Lends the key as unencrypted PKCS#8 PEM, and zeroes that text afterwards.
    /// - Returns: nil when memory ran out.
    func withPKCS8PEM<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result? {
        guard let bio = BIO_new(BIO_s_mem()) else { return nil }
        defer { warp_bio_free_secret(bio) }
        guard PEM_write_bio_PKCS8PrivateKey(bio, handle, nil, nil, 0, nil, nil) == 1 else {
            ERR_clear_error()
            return nil
        }
        var bytes: UnsafePointer<UInt8>?
        let count = warp_bio_bytes(bio, &bytes)
        return body(UnsafeBufferPointer(start: bytes, count: count))
    }
}

@available(*, unavailable)
extension PrivateKey: Sendable {}
