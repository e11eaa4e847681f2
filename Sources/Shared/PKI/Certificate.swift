internal import CQuic

/// An X.509 certificate (RFC 5280). Owns the libcrypto object.
final class Certificate {
    let handle: OpaquePointer

    /// Takes over `handle`.
    init(owning handle: OpaquePointer) {
        self.handle = handle
    }

    /// - Returns: nil when `der` is not exactly one certificate.
    init?(der: [UInt8]) {
        let parsed = der.withUnsafeBufferPointer { bytes -> OpaquePointer? in
            var cursor = bytes.baseAddress
            guard let handle = d2i_X509(nil, &cursor, bytes.count) else { return nil }
            guard cursor == bytes.baseAddress.map({ $0 + bytes.count }) else {
                X509_free(handle)
                return nil
            }
            return handle
        }
        ERR_clear_error()
        guard let parsed else { return nil }
        handle = parsed
    }

    deinit {
        X509_free(handle)
    }

    /// The subject's only common name; nil when there is none or more than one.
    var commonName: String? {
        guard let subject = X509_get_subject_name(handle) else { return nil }
        let first = X509_NAME_get_index_by_NID(subject, NID_commonName, -1)
        guard first >= 0, X509_NAME_get_index_by_NID(subject, NID_commonName, first) < 0,
            let entry = X509_NAME_get_entry(subject, first), let value = X509_NAME_ENTRY_get_data(entry)
        else { return nil }
        var text: UnsafeMutablePointer<UInt8>?
        let length = ASN1_STRING_to_UTF8(&text, value)
        defer { CRYPTO_free(text, nil, 0) }
        guard length >= 0, let text else { return nil }
        return String(validating: UnsafeBufferPointer(start: text, count: Int(length)), as: UTF8.self)
    }

    /// Whether `key` is this certificate's private key.
    func matches(_ key: PrivateKey) -> Bool {
        defer { ERR_clear_error() }
        return X509_check_private_key(handle, key.handle) == 1
    }
}

// libcrypto certificates are immutable here after creation, and their lazily filled caches are locked inside libcrypto.
extension Certificate: @unchecked Sendable {}
