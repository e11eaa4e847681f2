import NIOCore
import Shared

/// Decides what a connector does next: it dials again and again, until shutdown or a failure that no retry can mend.
///
/// ```
///            start: dial           admitted
///    idle ───────────────▶ dialing ─────────▶ up
///                           ▲   │             │
///              waited: dial │   │ dialFailed, │ sessionEnded: wait
///                           │   │ sessionEnded│
///                           │   ▼ : wait      │
///                          waiting ◀──────────┘
///
///    dialing, up ─── shutdown: close ───▶ closing ─── dialFailed, sessionEnded: finish ───▶ over
///    idle, waiting ─ shutdown: finish ───────────────────────────────────────────────────▶ over
///    dialing, up ─── dialFailed, sessionEnded with a permanent failure: fail ────────────▶ over
/// ```
///
/// A connection that ends between its handshake and the welcome is a session that ended while dialing.
///
/// Each wait is the backoff's next. The backoff begins anew after a session that outlived the ceiling of the wait
/// before it: the loss of a long session is made good at once, and a listener that admits and drops is not hammered.
struct ReconnectStateMachine: Hashable, Sendable {
    /// What the connector does next.
    enum Action: Hashable, Sendable {
        case none
        /// Resolve the listener's name and dial it; `admitted`, `dialFailed` or `sessionEnded` follows.
        case dial
        /// Call ``ReconnectStateMachine/waited()`` after so long, 0 or more.
        case wait(TimeAmount)
        /// Give up the attempt, or end the session, that is there; `dialFailed` or `sessionEnded` follows.
        case close
        /// Cancel the wait, if there is one, and end the program: shutdown is done.
        case finish
        /// End the program with an error.
        case fail(ConnectorFailure)
    }

    private enum State: Hashable, Sendable {
        case idle
        case dialing
        case up(since: NIODeadline)
        case waiting
        case closing
        case over
    }

    /// What a listener can make us stay away at most. It may say any number, and one that is out by a factor of a
    /// thousand must not cost a tunnel for good.
    static let longestAbsence = TimeAmount.hours(1)

    private var state = State.idle
    private var backoff: Backoff
    private var wasAdmitted = false

    init(backoff: Backoff = Backoff()) {
        self.backoff = backoff
    }

    /// Whether an attempt is being made.
    var isDialing: Bool { state == .dialing }

    /// The program has begun. A second start means nothing.
    mutating func start() -> Action {
        switch state {
        case .idle:
            state = .dialing
            return .dial
        case .dialing, .up, .waiting, .closing, .over:
            return .none
        }
    }

    /// No address of the listener gave a connection, or its name no address.
    mutating func dialFailed(_ failure: ConnectorFailure, using generator: inout some RandomNumberGenerator) -> Action {
        switch state {
        case .dialing:
            return retry(after: failure, using: &generator)
        case .closing:
            return finish()
        case .idle, .up, .waiting, .over:
            return .none  // no attempt is being made: this is the echo of one that is over
        }
    }

    /// The listener has admitted us: its welcome is here, or, in the original's protocol, which has none, the handshake
    /// is confirmed.
    mutating func admitted(at now: NIODeadline) -> Action {
        switch state {
        case .dialing:
            wasAdmitted = true
            state = .up(since: now)
            return .none
        case .closing:
            return .close  // it came while shutdown gave up the attempt
        case .idle, .up, .waiting, .over:
            return .none  // a session is admitted once, and one that is over not at all
        }
    }

    /// The connection is over, admitted or not.
    ///
    /// - Parameter comeBackAfter: how long the listener's "going away" said to stay away; nil = it said nothing. The
    ///   backoff's wait comes on top, so that its connectors do not come back all at once.
    mutating func sessionEnded(
        _ failure: ConnectorFailure,
        at now: NIODeadline,
        comeBackAfter: TimeAmount?,
        using generator: inout some RandomNumberGenerator
    ) -> Action {
        switch state {
        case .up(let since):
            if now - since > backoff.currentCeiling, !failure.isRefusal {
                backoff.reset()
            }
            return retry(after: failure, comeBackAfter: comeBackAfter, using: &generator)
        case .dialing:
            return retry(after: failure, comeBackAfter: comeBackAfter, using: &generator)
        case .closing:
            return finish()
        case .idle, .waiting, .over:
            return .none  // its end has been told already
        }
    }

    /// The wait is over.
    mutating func waited() -> Action {
        switch state {
        case .waiting:
            state = .dialing
            return .dial
        case .idle, .dialing, .up, .closing, .over:
            return .none  // a timer that was too late to be cancelled
        }
    }

    /// The program is to end. A second shutdown means nothing.
    mutating func shutdown() -> Action {
        switch state {
        case .idle, .waiting:
            return finish()
        case .dialing, .up:
            state = .closing
            return .close
        case .closing, .over:
            return .none
        }
    }

    private mutating func retry(
        after failure: ConnectorFailure,
        comeBackAfter: TimeAmount? = nil,
        using generator: inout some RandomNumberGenerator
    ) -> Action {
        guard !failure.isPermanent(afterAdmission: wasAdmitted) else {
            state = .over
            return .fail(failure)
        }
        state = .waiting
        let absence = min(max(comeBackAfter ?? .zero, .zero), Self.longestAbsence)
        return .wait(absence + backoff.next(using: &generator))
    }

    private mutating func finish() -> Action {
        state = .over
        return .finish
    }
}
