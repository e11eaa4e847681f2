package import Shared

/// Decides what the periodic question about a live session's certificate means for the session.
///
/// A clear no ends it. An authority that cannot be asked does not: an outage of the SCEP server must not become an
/// outage of every tunnel. One value per session, owned by whoever asks.
///
///     ┌──────────┐  undecided: keepAndWarn   ┌────────┐
///     │ answered │ ────────────────────────▶ │ silent │ ──┐ undecided: keep
///     │          │ ◀──────────────────────── │        │ ◀─┘
///     └──────────┘     same UID: keep        └────────┘
///           └── refused, or another UID: end ──┘
package struct SessionRecheck: Sendable {
    package enum Action: Hashable, Sendable {
        case keep
        /// The first fruitless question in a row.
        case keepAndWarn(reason: String)
        case end(reason: String)
    }

    private enum State {
        case answered
        case silent
    }

    private let uid: ClientUID
    private var state = State.answered

    /// - Parameter uid: The client that the session was bound to when it was admitted.
    package init(of uid: ClientUID) {
        self.uid = uid
    }

    package mutating func received(_ verdict: AuthorizationVerdict) -> Action {
        switch verdict {
        case .belongs(uid):
            state = .answered
            return .keep
        case .belongs(let other):
            return .end(reason: "the certificate now belongs to \"\(other)\"")
        case .refused(let reason):
            return .end(reason: reason)
        case .undecided(let reason):
            switch state {
            case .answered:
                state = .silent
                return .keepAndWarn(reason: reason)
            case .silent:
                return .keep
            }
        }
    }
}
