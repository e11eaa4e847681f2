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

/// Whether a newcomer is let in. Fails closed: what is not a clear yes keeps it out.
package enum Admission: Hashable, Sendable {
    case admitted(ClientUID)
    /// A clear no; the reason is one line for a person.
    case refused(reason: String)
    /// Nobody could say: it may try again.
    case undecided(reason: String)

    package init(_ verdict: AuthorizationVerdict) {
        switch verdict {
        case .belongs(let uid): self = .admitted(uid)
        case .refused(let reason): self = .refused(reason: reason)
        case .undecided(let reason): self = .undecided(reason: reason)
        }
    }
}
