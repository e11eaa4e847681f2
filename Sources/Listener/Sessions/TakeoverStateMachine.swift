/// Decides which of the connectors with one client UID is its session: the holder. One machine a client UID.
///
/// ```
///              newcomer: bind                newcomer, policy probe: probe
///    vacant ───────────────────▶ held(h) ────────────────────────────────▶ contested(h, n)
///       ▲                        ▲  │  ▲                                        │
///       └── ended(h) ────────────│──┘  ├── holderAnswered, ended(n) ────────────┤ (h stays)
///                                │     ├── holderStaysSilent, ended(h) ─────────┤ (n takes over)
///                                │     └── newcomer of h's instance ────────────┘ (it takes over, n is refused)
///                                └── newcomer of h's instance, h draining, or policy newest: it takes over
/// ```
///
/// Each newcomer gets one verdict: it is bound (``Action/bind(_:)``, ``Action/replace(_:by:)``,
/// ``Action/supersede(_:by:)``) or refused; or it ends before.
struct TakeoverStateMachine<Session: Hashable>: Hashable {
    /// What the owner does, in the order in which it is told.
    enum Action: Hashable {
        /// Make the newcomer the session.
        case bind(Session)
        /// Close the holder's connection with `sessionEnded`, then make the newcomer the session.
        case replace(Session, by: Session)
        /// Make the newcomer the session. The holder, which is draining, serves no new visitors, but keeps its relays
        /// until they end.
        case supersede(Session, by: Session)
        /// Ask the holder for a sign of life; ``TakeoverStateMachine/holderAnswered(for:)`` or
        /// ``TakeoverStateMachine/holderStaysSilent(for:)`` follows.
        case probe(Session, for: Session)
        /// Turn the newcomer away: the client UID is in use.
        case refuse(Session)
    }

    private enum State: Hashable {
        case vacant
        case held(Session)
        case contested(holder: Session, newcomer: Session)
    }

    private let policy: TakeoverPolicy
    private var state = State.vacant

    init(policy: TakeoverPolicy) {
        self.policy = policy
    }

    /// The session of the client UID.
    var holder: Session? {
        switch state {
        case .vacant: nil
        case .held(let holder), .contested(let holder, _): holder
        }
    }

    /// Whether the holder has been asked for a sign of life, and has not answered yet.
    var isContested: Bool {
        switch state {
        case .contested: true
        case .vacant, .held: false
        }
    }

    /// Whether nobody has or wants the client UID: the machine can be forgotten.
    var isVacant: Bool { state == .vacant }

    /// The authority has admitted another connector, one that was not announced before.
    ///
    /// - Parameters:
    ///   - isSameInstance: whether it is the same run of the same program as the holder, if there is one.
    ///   - holderIsDraining: whether the holder, if there is one, takes no new relays any more.
    mutating func newcomer(_ newcomer: Session, isSameInstance: Bool, holderIsDraining: Bool) -> [Action] {
        switch state {
        case .vacant:
            state = .held(newcomer)
            return [.bind(newcomer)]
        case .held(let holder):
            precondition(newcomer != holder, "a session was announced twice")
            // The same program knows best that its old connection is dead.
            if isSameInstance {
                state = .held(newcomer)
                return [.replace(holder, by: newcomer)]
            }
            if holderIsDraining {
                state = .held(newcomer)
                return [.supersede(holder, by: newcomer)]
            }
            switch policy {
            case .newest:
                state = .held(newcomer)
                return [.replace(holder, by: newcomer)]
            case .probe:
                state = .contested(holder: holder, newcomer: newcomer)
                return [.probe(holder, for: newcomer)]
            }
        case .contested(let holder, let waiting):
            precondition(newcomer != holder && newcomer != waiting, "a session was announced twice")
            // One contest at a time: a crowd with one client UID costs one probe at a time, and no memory.
            guard isSameInstance else { return [.refuse(newcomer)] }
            state = .held(newcomer)
            return [.replace(holder, by: newcomer), .refuse(waiting)]
        }
    }

    /// The holder has given the sign of life that was asked for on behalf of `newcomer`. When that contest is over, it
    /// means nothing.
    mutating func holderAnswered(for newcomer: Session) -> [Action] {
        guard case .contested(let holder, newcomer) = state else { return [] }
        state = .held(holder)
        return [.refuse(newcomer)]
    }

    /// The time is over in which the holder should have given a sign of life on behalf of `newcomer`. When that contest
    /// is over, it means nothing: a timer that was too late to be cancelled cuts no later contest short.
    mutating func holderStaysSilent(for newcomer: Session) -> [Action] {
        guard case .contested(let holder, newcomer) = state else { return [] }
        state = .held(newcomer)
        return [.replace(holder, by: newcomer)]
    }

    /// A connection is over. One that neither holds the client UID nor waits for it means nothing: it was refused,
    /// replaced or superseded.
    mutating func ended(_ session: Session) -> [Action] {
        switch state {
        case .vacant:
            return []
        case .held(let holder):
            if session == holder {
                state = .vacant
            }
            return []
        case .contested(let holder, let newcomer):
            if session == holder {
                state = .held(newcomer)
                return [.bind(newcomer)]
            }
            if session == newcomer {
                state = .held(holder)
            }
            return []
        }
    }
}

extension TakeoverStateMachine.Action: Sendable where Session: Sendable {}
