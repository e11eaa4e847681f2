import Shared

/// Why a connector has no session (any more).
enum ConnectorFailure: Error, Hashable, Sendable {
    /// The listener's name does not resolve.
    case nameNotFound(String)
    /// No address could be used at all.
    case socketUnusable(String)
    /// The listener, or we, said no during the handshake or at admission.
    case refused(ConnectionClosure, handshakeWasComplete: Bool)
    /// The listener said no to our hello, and why, for a person.
    case turnedAway(RefusalReason, text: String)
    /// No address answered, or a session ended.
    case lost(ConnectionClosure)

    /// - Parameter handshakeWasComplete: whether our handshake was complete when the connection ended, so that what the
    ///   peer said is known to be the listener's word.
    init(_ closure: ConnectionClosure, handshakeWasComplete: Bool) {
        let isRefusal =
            switch closure {
            case .local(let frame):
                frame.tlsAlert != nil
            case .peer(let frame):
                frame.tlsAlert != nil || frame.is(.notAdmitted) || frame.is(.clientUIDInUse)
                    || frame.is(.admissionUnavailable)
            case .idleTimeout, .handshakeTimeout, .statelessReset, .noCommonVersion, .dropped, .assertionFailed:
                false
            }
        self = isRefusal ? .refused(closure, handshakeWasComplete: handshakeWasComplete) : .lost(closure)
    }

    /// Whether the other end said something, rather than nothing at all: the better thing to report of several failures.
    var isAnswer: Bool {
        switch self {
        case .refused, .turnedAway: true
        case .nameNotFound, .socketUnusable: false
        case .lost(let closure):
            switch closure {
            case .peer, .noCommonVersion, .local: true
            case .idleTimeout, .handshakeTimeout, .statelessReset, .dropped, .assertionFailed: false
            }
        }
    }

    /// Whether the other end, or we, said no: there was no session, even if it looked so (`hq-29` has no welcome).
    var isRefusal: Bool {
        switch self {
        case .refused, .turnedAway: true
        case .nameNotFound, .socketUnusable, .lost: false
        }
    }

    /// Whether no retry can mend it: somebody has to change a setting or a certificate first.
    ///
    /// - Parameter afterAdmission: whether the listener has ever admitted this run of the program.
    func isPermanent(afterAdmission: Bool) -> Bool {
        switch self {
        case .nameNotFound, .socketUnusable, .lost: false
        case .turnedAway(let reason, _): !reason.isWorthRetrying
        case .refused(let closure, let handshakeWasComplete):
            switch closure {
            case .local(let frame):
                // Most likely our ca_cert_path or server_name is wrong. Once they have been good, something on the way
                // is not, and may be gone tomorrow.
                frame.refusesCertificate && !afterAdmission
            case .peer(let frame):
                // In TLS 1.3 the server judges our certificate when our handshake is complete already (RFC 8446 §2,
                // figure 1). What comes before may be in packets that anyone on the path can forge (RFC 9001 §7), and
                // ends no program.
                handshakeWasComplete && (frame.refusesCertificate || frame.is(.notAdmitted))
            case .idleTimeout, .handshakeTimeout, .statelessReset, .noCommonVersion, .dropped, .assertionFailed:
                false
            }
        }
    }
}

extension CloseFrame {
    /// Whether the application closed the connection with this code; a transport's code means something else.
    fileprivate func `is`(_ code: ApplicationErrorCode) -> Bool {
        isApplication && self.code == code.rawValue
    }
}
