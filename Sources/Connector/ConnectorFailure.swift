import Shared

/// Why a connector has no session (any more).
enum ConnectorFailure: Error, Hashable, Sendable {
    /// The listener's name does not resolve.
    case nameNotFound(String)
    /// No address could be used at all.
    case socketUnusable(String)
    /// The listener, or we, said no during the handshake or at admission.
    case refused(ConnectionClosure)
    /// No address answered, or a session ended.
    case lost(ConnectionClosure)

    init(_ closure: ConnectionClosure) {
        switch closure {
        case .local(let frame):
            self = frame.tlsAlert != nil ? .refused(closure) : .lost(closure)
        case .peer(let frame):
            let code = frame.isApplication ? ApplicationErrorCode(rawValue: frame.code) : nil
            let isRefusal = frame.tlsAlert != nil || code == .notAdmitted || code == .clientUIDInUse
            self = isRefusal ? .refused(closure) : .lost(closure)
        case .idleTimeout, .handshakeTimeout, .statelessReset, .noCommonVersion, .dropped:
            self = .lost(closure)
        }
    }

    /// Whether the other end said something, rather than nothing at all: the better thing to report of several failures.
    var isAnswer: Bool {
        switch self {
        case .refused: true
        case .nameNotFound, .socketUnusable: false
        case .lost(let closure):
            switch closure {
            case .peer, .noCommonVersion, .local: true
            case .idleTimeout, .handshakeTimeout, .statelessReset, .dropped: false
            }
        }
    }
}
