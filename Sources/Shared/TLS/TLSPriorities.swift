internal import CQuic

/// What TLS sessions may negotiate, in the form that GnuTLS takes. Owns the GnuTLS object.
final class TLSPriorities {
    let handle: gnutls_priority_t

    /// - Parameter text: a GnuTLS priority string.
    /// - Throws: ``QUICError/library(call:code:name:)`` when GnuTLS refuses it.
    init(_ text: String) throws(QUICError) {
        var handle: gnutls_priority_t?
        let result = gnutls_priority_init(&handle, text, nil)
        guard result == GNUTLS_E_SUCCESS, let handle else { throw .gnuTLS("gnutls_priority_init", result) }
        self.handle = handle
    }

    deinit {
        gnutls_priority_deinit(handle)
    }
}

// Immutable after `init`; GnuTLS counts its sessions' references atomically.
extension TLSPriorities: @unchecked Sendable {}
