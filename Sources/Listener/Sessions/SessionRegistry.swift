import NIOCore
import Shared

/// Every connection that is not over yet, and for each client UID which of them is its session. Confined to the event loop
/// of the data path.
final class SessionRegistry {
    private let policy: SessionPolicy
    private let journal: SessionJournal
    private var slots: [ClientUID: ClientSlot] = [:]
    private var all: [ObjectIdentifier: ClientSession] = [:]
    /// Set by ``drain()``: nobody is let in any more.
    private(set) var isDraining = false

    /// - Parameter journal: is told of sessions that begin, move and end.
    init(policy: SessionPolicy, journal: SessionJournal) {
        self.policy = policy
        self.journal = journal
    }

    // MARK: Sessions

    /// Every connection, live or still to be admitted.
    var sessions: [ClientSession] { Array(all.values) }

    /// Whether the connector with this UID takes relays, now or when it grants streams again.
    func isSessionLive(_ uid: ClientUID) -> Bool {
        slots[uid]?.session.map { !$0.isDraining && $0.knowsTCP } ?? false
    }

    /// The session of `uid`, draining or not.
    func session(of uid: ClientUID) -> ClientSession? {
        slots[uid]?.session
    }

    /// A session of the listener's last run is over, and its connector is being told.
    func forget(_ session: StoredSession) {
        journal.note(nil, for: session.uid)
    }

    /// Keeps a session from its connection's first packet to its end.
    func insert(_ session: ClientSession) {
        all[ObjectIdentifier(session)] = session
    }

    /// An admitted connector wants to be the session of `uid`.
    func contend(_ session: ClientSession, for uid: ClientUID) {
        slot(for: uid).contend(session)
    }

    /// A connection that contends for a client UID does so no more.
    func withdraw(_ session: ClientSession) {
        guard let uid = session.claimedUID else { return }
        slots[uid]?.ended(session)
    }

    /// A session lives at this address now.
    func sessionMoved(_ session: ClientSession, uid: ClientUID) {
        guard slots[uid]?.session == session, let stored = session.stored(uid: uid) else { return }
        journal.note(stored, for: uid)
    }

    /// The session of `uid` can take relays again.
    func serve(_ uid: ClientUID) {
        slots[uid]?.serve()
    }

    /// Forgets a session that is over.
    ///
    /// - Parameter uid: what it contended for, or was bound to.
    func remove(_ session: ClientSession, uid: ClientUID?) {
        all[ObjectIdentifier(session)] = nil
        guard let uid, let slot = slots[uid] else { return }
        slot.ended(session)
        if slot.session == nil {
            journal.note(nil, for: uid)
        }
        if slot.isUnused {
            slots[uid] = nil
        }
    }

    // MARK: Visitors

    /// Makes an accepted TCP channel a relay, now or when there is a session that can take it.
    ///
    /// - Returns: fails when the visitor cannot be served; it has been reset then.
    func adopt(_ visitor: any Channel, _ forward: Forward, _ meter: ForwardMeter) -> EventLoopFuture<Void> {
        guard !isDraining else {
            visitor.abort()
            return visitor.eventLoop.makeFailedFuture(ForwardError.shuttingDown)
        }
        let slot = slot(for: forward.uid)
        defer {
            if slot.isUnused {
                slots[forward.uid] = nil  // the visitor may not wait
            }
        }
        return slot.adopt(visitor, forward, meter)
    }

    // MARK: The end

    /// Lets nobody in any more, tells every connector that the listener is going away, and resets visitors who wait.
    func drain() {
        isDraining = true
        slots.values.forEach { $0.abortVisitors() }
        for session in sessions {
            session.goAway()
        }
    }

    /// Ends the sessions that have no relay left.
    func closeIdleSessions() {
        for session in sessions where session.uid != nil && session.isIdle {
            session.closeForShutdown()
        }
    }

    /// Whether no relay is left.
    var isIdle: Bool { all.values.allSatisfy(\.isIdle) }

    // MARK: Queries

    /// Every live session, draining ones included.
    func statuses() -> [SessionStatus] {
        all.values.compactMap { session in
            session.uid.flatMap { session.status(uid: $0, waitingVisitors: waitingVisitors(of: session, $0)) }
        }
    }

    private func waitingVisitors(of session: ClientSession, _ uid: ClientUID) -> Int {
        guard let slot = slots[uid], slot.session == session else { return 0 }
        return slot.waitingVisitorCount
    }

    private func slot(for uid: ClientUID) -> ClientSlot {
        if let slot = slots[uid] { return slot }
        let slot = ClientSlot(uid: uid, policy: policy) { [weak self] in self?.slots[uid] = nil }
        slots[uid] = slot
        return slot
    }
}

@available(*, unavailable)
extension SessionRegistry: Sendable {}
