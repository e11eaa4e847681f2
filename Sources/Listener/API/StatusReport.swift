import Shared

/// What `GET /list` and `GET /v1/sessions` answer: the forwards and sessions of one moment, joined by client UID.
struct StatusReport {
    private let forwards: [ForwardStatus]
    private let sessions: [SessionStatus]

    /// - Parameters:
    ///   - forwards: in the order in which they are shown.
    ///   - sessions: in any order.
    init(forwards: [ForwardStatus], sessions: [SessionStatus]) {
        self.forwards = forwards
        self.sessions = sessions.sorted { Self.sortKey(of: $0) < Self.sortKey(of: $1) }
    }

    /// Every forward, whether its client UID has a session or not.
    var list: [ForwardStatusBody] {
        let serving = Dictionary(sessions.map { ($0.uid, $0) }, uniquingKeysWith: Self.serving)
        return forwards.map { ForwardStatusBody($0, .list(serving[$0.forward.uid])) }
    }

    /// Every session, by client UID.
    var sessionList: [SessionBody] {
        let forwardsByUID = Dictionary(grouping: forwards, by: \.forward.uid)
        return sessions.map { SessionBody($0, .sessions(forwardsByUID[$0.uid] ?? [])) }
    }

    /// Which of a client UID's sessions new visitors go to: a draining one has its successor beside it.
    private static func serving(_ older: SessionStatus, _ newer: SessionStatus) -> SessionStatus {
        newer.isDraining && !older.isDraining ? older : newer
    }

    /// Of one client UID the oldest comes first.
    private static func sortKey(of session: SessionStatus) -> (String, Int64, String) {
        (session.uid.text, session.since, session.sessionID)
    }
}
