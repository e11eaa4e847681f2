internal import CQuic

/// A certificate and those that lead from it towards a CA, as a PEM file gives them: the leaf first.
package struct CertificateChain: Sendable {
    /// More certificates than any real chain or CA bundle of ours has; a bound on what a file can cost.
    package static let maximumCount = 512

    let certificates: [Certificate]

    /// - Parameter pem: the content of a file; text around the certificates is skipped (RFC 7468).
    /// - Throws: ``CertificateError``
    package init(pem: [UInt8]) throws(CertificateError) {
        certificates = try Self.parse(pem)
    }

    var leaf: Certificate { certificates[0] }

    var pem: [UInt8] {
        guard let bio = BIO_new(BIO_s_mem()) else { return [] }
        defer { BIO_free(bio) }
        for certificate in certificates {
            PEM_write_bio_X509(bio, certificate.handle)
        }
        var bytes: UnsafePointer<UInt8>?
        let count = warp_bio_bytes(bio, &bytes)
        return Array(UnsafeBufferPointer(start: bytes, count: count))
    }

    private static func parse(_ pem: [UInt8]) throws(CertificateError) -> [Certificate] {
        guard let bio = BIO_new_mem_buf(pem, Int32(clamping: pem.count)) else { throw .unusable("out of memory") }
        defer {
            BIO_free(bio)
            ERR_clear_error()
        }
        var certificates: [Certificate] = []
        while true {
            ERR_clear_error()
            guard let handle = PEM_read_bio_X509(bio, nil, warp_no_password, nil) else {
                // Running out of PEM blocks ends the list; anything else is a damaged block.
                let error = ERR_peek_last_error()
                let isEnd = error & 0x7f_ffff == UInt(PEM_R_NO_START_LINE)
                guard isEnd else { throw .malformedCertificate(index: certificates.count) }
                guard !certificates.isEmpty else { throw .noCertificate }
                return certificates
            }
            certificates.append(Certificate(owning: handle))
            guard certificates.count <= maximumCount else { throw .tooManyCertificates(limit: maximumCount) }
        }
    }
}
