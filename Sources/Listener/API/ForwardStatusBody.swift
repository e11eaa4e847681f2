import Shared

/// A forward as `/list` and `/v1/sessions` show it: the members of ``ForwardBody``, and how it fares. A member without a
/// value is null, never missing.
struct ForwardStatusBody: Encodable {
    /// Which answer it is part of.
    enum Scope {
        /// `/list`, with the session that serves its client UID.
        case list(SessionStatus?)
        /// `/v1/sessions`, within the session of its client UID.
        case session
    }

    private enum CodingKeys: String, CodingKey {
        case port
        case uid
        case connectAddress = "connect_address"
        case connectPort = "connect_port"
        case isListening = "listening"
        case error
        case session
        case isSessionUp = "session_up"
        case openRelays = "open_relays"
        case bytesToTarget = "bytes_to_target"
        case bytesFromTarget = "bytes_from_target"
        case lastDialError = "last_dial_error"
    }

    private let status: ForwardStatus
    private let scope: Scope

    init(_ status: ForwardStatus, _ scope: Scope) {
        self.status = status
        self.scope = scope
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(status.forward.port.number, forKey: .port)
        try container.encode(status.forward.target.host, forKey: .connectAddress)
        try container.encode(status.forward.target.port, forKey: .connectPort)
        try container.encode(status.isListening, forKey: .isListening)
        try container.encode(status.problem.map { "\($0)" }, forKey: .error)
        try container.encode(status.reading.openRelays, forKey: .openRelays)
        try container.encode(status.reading.bytesToTarget, forKey: .bytesToTarget)
        try container.encode(status.reading.bytesFromTarget, forKey: .bytesFromTarget)
        try container.encode(status.reading.lastDialFailure.map(DialFailureBody.init), forKey: .lastDialError)
        if case .list(let session) = scope {
            try container.encode(status.forward.uid.text, forKey: .uid)
            try container.encode(session.map { SessionBody($0, .forward) }, forKey: .session)
            // One that is draining serves no further visitor.
            try container.encode(session.map { !$0.isDraining } ?? false, forKey: .isSessionUp)
        }
    }
}
