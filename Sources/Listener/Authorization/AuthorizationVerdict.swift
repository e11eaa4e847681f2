package import Shared

/// What was found out about whom a verified certificate belongs to.
package enum AuthorizationVerdict: Hashable, Sendable {
    /// It belongs to this client.
    case belongs(to: ClientUID)
    /// It may not be used: a clear no. The reason is one line for a person.
    case refused(reason: String)
    /// Nobody said yes or no: the authority is unreachable or its answer makes no sense.
    case undecided(reason: String)
}

/// Whether a newcomer is let in. Fails closed: what is not a clear yes is a refusal.
package enum Admission: Hashable, Sendable {
    case admitted(ClientUID)
    /// The reason is one line for a person.
    case refused(reason: String)

    package init(_ verdict: AuthorizationVerdict) {
        switch verdict {
        case .belongs(let uid): self = .admitted(uid)
        case .refused(let reason), .undecided(let reason): self = .refused(reason: reason)
        }
    }
}
