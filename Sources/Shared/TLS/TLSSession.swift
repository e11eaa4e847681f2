internal import CQuic

/// The TLS 1.3 session of one QUIC connection. Owns the GnuTLS session and the reference through which GnuTLS' callbacks
/// find their way back. Confined to the connection's event loop.
final class TLSSession {
    // ngtcp2's crypto helper and packet_protection.c read the first member through the session's pointer: it must be
    // first, and must not move.
    private struct Reference {
        var connection: ngtcp2_crypto_conn_ref
        var session: Unmanaged<TLSSession>
    }

    private let configuration: TLSConfiguration
    private let applicationProtocols: [ApplicationProtocol]
    private let isServer: Bool
    // nil once it has been released.
    private var handle: gnutls_session_t?
    private let reference: UnsafeMutablePointer<Reference>

    /// The peer's certificate, once it is verified.
    private(set) var verifiedPeer: VerifiedCertificate?
    /// Why the peer's certificate was refused.
    private(set) var rejection: CertificateRejection?

    /// What both ends have agreed to speak, once the handshake is completed.
    private(set) var applicationProtocol: ApplicationProtocol?
    private var lacksApplicationProtocol = false

    /// - Parameter applicationProtocols: one or more, the preferred one first.
    /// - Throws: ``QUICError/library(call:code:name:)`` when GnuTLS refuses.
    init(
        _ configuration: TLSConfiguration,
        applicationProtocols: [ApplicationProtocol],
        isServer: Bool
    ) throws(QUICError) {
        precondition(!applicationProtocols.isEmpty, "an end that speaks nothing")
        self.configuration = configuration
        self.applicationProtocols = applicationProtocols
        self.isServer = isServer
        let priorities = try Self.priorities.get()
        let reference = UnsafeMutablePointer<Reference>.allocate(capacity: 1)
        var handle: gnutls_session_t?
        // RFC 7301 §3.1: an octet of length ahead of each name.
        let alpn = applicationProtocols.flatMap { [UInt8($0.rawValue.utf8.count)] + Array($0.rawValue.utf8) }
        let result = warp_tls_session_new(
            &handle,
            isServer,
            priorities.handle,
            configuration.credentials.handle,
            alpn,
            alpn.count,
            reference,
            { TLSSession.from($0)?.verifyPeer() ?? GNUTLS_E_CERTIFICATE_ERROR }
        )
        guard result == GNUTLS_E_SUCCESS, let handle else {
            reference.deallocate()
            throw .gnuTLS("gnutls_init", result)
        }
        self.handle = handle
        self.reference = reference
        reference.initialize(
            to: Reference(
                connection: ngtcp2_crypto_conn_ref(
                    get_conn: { $0.map { OpaquePointer($0.pointee.user_data) } ?? nil },
                    user_data: nil
                ),
                session: .passUnretained(self)
            )
        )
        if !isServer, case .server(.dns(let name)) = configuration.expectation {
            _ = gnutls_server_name_set(handle, GNUTLS_NAME_DNS, name, name.utf8.count)
        }
    }

    deinit {
        release()
        reference.deallocate()
    }

    /// Joins the session with its connection, which outlives every callback.
    func attach(connection: OpaquePointer) {
        reference.pointee.connection.user_data = UnsafeMutableRawPointer(connection)
        ngtcp2_conn_set_tls_native_handle(connection, UnsafeMutableRawPointer(handle))
    }

    /// A server's handshake is completed, and accepted: gives back the memory of the GnuTLS session. Idempotent.
    ///
    /// The packet protection keys are with ngtcp2 by now, and no message may follow in QUIC: a client sends no
    /// NewSessionTicket, and neither KeyUpdate nor post-handshake authentication is allowed (RFC 9001 §6, §4.4).
    func handshakeIsOver() {
        precondition(isServer, "a client may yet receive a NewSessionTicket")
        guard handle != nil else { return }
        ngtcp2_conn_set_tls_native_handle(reference.pointee.connection.user_data.map { OpaquePointer($0) }, nil)
        release()
    }

    /// What GnuTLS holds is never touched again, and never given back.
    func abandon() {
        handle = nil
    }

    /// Judges what GnuTLS has completed; a handshake counts as completed only when this has accepted it.
    func acceptHandshake() -> Bool {
        applicationProtocol = chosenApplicationProtocol()
        // RFC 9001 §8.1: a peer that ignores ALPN gets no further than one that has nothing in common with us.
        lacksApplicationProtocol = applicationProtocol == nil
        return refusalAlert == nil
    }

    /// The alert that tells the peer why we refuse the handshake; nil = we do not.
    var refusalAlert: UInt8? {
        rejection?.tlsAlert ?? (lacksApplicationProtocol ? TLSAlert.noApplicationProtocol : nil)
    }

    /// What to tell both ends' operators about a failed handshake.
    func failureReason(alert: UInt8) -> String {
        if let rejection {
            return "\(isServer ? "client" : "server") certificate refused: \(rejection)"
        }
        switch alert {
        case TLSAlert.certificateRequired: return "the client presented no certificate"
        case TLSAlert.noApplicationProtocol: return "no common application protocol"
        default: return "TLS handshake failed: \(TLSAlert.name(of: alert))"
        }
    }

    // MARK: Private

    private func release() {
        guard let handle else { return }
        gnutls_deinit(handle)
        self.handle = nil
    }

    private static func from(_ session: gnutls_session_t?) -> TLSSession? {
        guard let session, let pointer = gnutls_session_get_ptr(session) else { return nil }
        return pointer.assumingMemoryBound(to: Reference.self).pointee.session.takeUnretainedValue()
    }

    private func chosenApplicationProtocol() -> ApplicationProtocol? {
        var name = gnutls_datum_t()
        guard gnutls_alpn_get_selected_protocol(handle, &name) == GNUTLS_E_SUCCESS else { return nil }
        let bytes = UnsafeBufferPointer(start: name.data, count: Int(name.size))
        return applicationProtocols.first { $0.rawValue.utf8.elementsEqual(bytes) }
    }

    // GnuTLS asks only that a certificate is present; whether it is good is decided here, and nowhere else.
    private func verifyPeer() -> Int32 {
        var count: UInt32 = 0
        let list = UnsafeBufferPointer(start: gnutls_certificate_get_peers(handle, &count), count: Int(count))
        let chain = list.map { Array(UnsafeBufferPointer(start: $0.data, count: Int($0.size))) }
        do throws(CertificateRejection) {
            let now = configuration.wallClock()
            verifiedPeer = try configuration.anchors.verify(chain, as: configuration.expectation, at: now)
            return 0
        } catch {
            rejection = error
            return GNUTLS_E_CERTIFICATE_ERROR
        }
    }

    // AES first: every machine that this is built for computes it in hardware (with VAES in a third of ChaCha20's time),
    // and a peer without it still finds ChaCha20.
    private static let priorityString =
        "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:-GROUP-ALL"
        + ":+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:+GROUP-SECP521R1:%DISABLE_TLS13_COMPAT_MODE"

    // One for all sessions: each would take 8 KiB for its own.
    private static let priorities = Result { () throws(QUICError) in try TLSPriorities(priorityString) }
}

@available(*, unavailable)
extension TLSSession: Sendable {}
