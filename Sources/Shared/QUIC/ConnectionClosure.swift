/// Why a connection is over, and who ended it.
package enum ConnectionClosure: Hashable, Sendable {
    /// We closed it, with what we told the peer.
    case local(CloseFrame)
    /// The peer closed it, with what it told us.
    case peer(CloseFrame)
    /// Nothing arrived for the idle timeout (RFC 9000 §10.1).
    case idleTimeout
    /// The handshake did not finish in time.
    case handshakeTimeout
    /// The peer knows nothing of this connection (RFC 9000 §10.3).
    case statelessReset
    /// The peer speaks no version of QUIC that we speak (RFC 9000 §6.2).
    case noCommonVersion
    /// ngtcp2 asked to drop the connection without a word, or failed internally.
    case dropped(libraryError: Int32)
    /// ngtcp2 failed this assertion, and the connection was given up: a defect that somebody should hear of.
    case assertionFailed(String)
}

/// The content of a CONNECTION_CLOSE frame (RFC 9000 §19.19).
package struct CloseFrame: Hashable, Sendable {
    /// Whether the application or the transport closed the connection (frame type 0x1d or 0x1c).
    package let isApplication: Bool
    /// An application error code, or one of RFC 9000 §20.1.
    package let code: UInt64
    /// What to tell a person, in one line of at most 512 bytes: a peer's words are untrusted.
    package let reason: String

    /// So much fits into the packet that carries it (RFC 9000 §14.1), and into a line of a log.
    private static let maximumReasonBytes = 512

    package static func application(_ code: UInt64, reason: String) -> CloseFrame {
        CloseFrame(isApplication: true, code: code, reason: reason)
    }

    package static func transport(_ code: UInt64, reason: String) -> CloseFrame {
        CloseFrame(isApplication: false, code: code, reason: reason)
    }

    private init(isApplication: Bool, code: UInt64, reason: String) {
        self.isApplication = isApplication
        self.code = code
        self.reason = reason.singleLine(limit: Self.maximumReasonBytes)
    }

    init(isApplication: Bool, code: UInt64, reasonBytes: UnsafeRawBufferPointer) {
        self.init(isApplication: isApplication, code: code, reason: String(decoding: reasonBytes, as: UTF8.self))
    }

    /// The TLS alert that a transport close carries, if it is one (RFC 9001 §4.8).
    package var tlsAlert: UInt8? {
        guard !isApplication, code >> 8 == 1 else { return nil }
        return UInt8(truncatingIfNeeded: code)
    }
}

extension ConnectionClosure: CustomStringConvertible {
    package var description: String {
        switch self {
        case .local(let frame): "closed by us: \(frame)"
        case .peer(let frame): "closed by the peer: \(frame)"
        case .idleTimeout: "nothing was heard for the idle timeout"
        case .handshakeTimeout: "the handshake did not finish in time"
        case .statelessReset: "the peer does not know this connection any more (stateless reset)"
        case .noCommonVersion: "the peer speaks no version of QUIC that we speak"
        case .dropped(let code): "dropped (ngtcp2 error \(code))"
        case .assertionFailed(let assertion): "ngtcp2 failed an assertion: \(assertion)"
        }
    }
}

extension CloseFrame: CustomStringConvertible {
    package var description: String {
        let name =
            if let tlsAlert {
                "TLS alert \(TLSAlert.name(of: tlsAlert))"
            } else {
                "\(isApplication ? "application" : "transport") error 0x\(String(code, radix: 16))"
            }
        return reason.isEmpty ? name : "\(reason) (\(name))"
    }
}
