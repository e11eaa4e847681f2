import NIOCore
import Shared

/// A session as the control API shows it. A member without a value is null, never missing.
struct SessionBody: Encodable {
    /// Which answer it is part of.
    enum Scope {
        /// `/list`: the session of one forward.
        case forward
        /// `/v1/sessions`, with the forwards of its client UID.
        case sessions([ForwardStatus])
    }

    private enum CodingKeys: String, CodingKey {
        case id
        case since
        case applicationProtocol = "protocol"
        case software
        case remoteAddress = "remote"
        case roundTrip = "rtt_ms"
        case isDraining = "draining"
        case uid
        case openRelays = "open_relays"
        case waitingVisitors = "waiting_visitors"
        case bytesToTargets = "bytes_to_targets"
        case bytesFromTargets = "bytes_from_targets"
        case forwards
    }

    /// As the wire bounds it, in bytes; here in characters.
    private static let maxSoftwareCharacters = 64

    private let session: SessionStatus
    private let scope: Scope

    init(_ session: SessionStatus, _ scope: Scope) {
        self.session = session
        self.scope = scope
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(session.sessionID, forKey: .id)
        try container.encode(Timestamp(session.since), forKey: .since)
        try container.encode(session.applicationProtocol, forKey: .applicationProtocol)
        // The connector's own words.
        try container.encode(session.software?.singleLine(limit: Self.maxSoftwareCharacters), forKey: .software)
        try container.encode(session.remoteAddress, forKey: .remoteAddress)
        try container.encode(session.roundTrip?.decimalMilliseconds, forKey: .roundTrip)
        try container.encode(session.isDraining, forKey: .isDraining)
        if case .sessions(let forwards) = scope {
            try container.encode(session.uid.text, forKey: .uid)
            try container.encode(session.openRelays, forKey: .openRelays)
            try container.encode(session.waitingVisitors, forKey: .waitingVisitors)
            try container.encode(session.bytesToTargets, forKey: .bytesToTargets)
            try container.encode(session.bytesFromTargets, forKey: .bytesFromTargets)
            try container.encode(forwards.map { ForwardStatusBody($0, .session) }, forKey: .forwards)
        }
    }
}

extension TimeAmount {
    /// In milliseconds, with at most three decimals: more would be noise.
    fileprivate var decimalMilliseconds: Double {
        Double(nanoseconds / 1000) / 1000
    }
}
