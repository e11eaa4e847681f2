import NIOCore
import Shared

/// What the listener keeps for one client UID: which connection is its session, and the visitors who wait for it.
///
/// Outlives sessions, so that visitors may wait for the next one. Which of several connectors with the UID is the session
/// is decided by ``TakeoverStateMachine``. Confined to the event loop of the data path; the registry holds it while it is
/// of use.
final class ClientSlot {
    private let uid: ClientUID
    private let policy: SessionPolicy
    private var machine: TakeoverStateMachine<ClientSession>
    private let visitors: WaitingVisitors
    /// A session that drains beside its successor: one at most, so that no client UID gathers connections.
    private weak var predecessor: ClientSession?

    /// - Parameter unused: called when nobody holds the UID or waits for it any more.
    init(uid: ClientUID, policy: SessionPolicy, unused: @escaping () -> Void) {
        self.uid = uid
        self.policy = policy
        machine = TakeoverStateMachine(policy: policy.takeover)
        visitors = WaitingVisitors(wait: policy.visitorWait, maximumCount: policy.maximumWaitingVisitors)
        visitors.emptied = { [weak self] in
            if self?.isUnused == true { unused() }
        }
    }

    /// The session, while there is one.
    var session: ClientSession? { machine.holder }

    /// Whether nobody holds the UID or waits for it.
    var isUnused: Bool { machine.isVacant && visitors.isEmpty }

    var waitingVisitorCount: Int { visitors.count }

    // MARK: Sessions

    /// An admitted connector wants to be the session of this UID.
    func contend(_ newcomer: ClientSession) {
        let holder = machine.holder
        let isSameInstance = newcomer.instance != nil && newcomer.instance == holder?.instance
        perform(
            machine.newcomer(
                newcomer,
                isSameInstance: isSameInstance,
                holderIsDraining: holder?.isDraining ?? false
            )
        )
    }

    /// A connection that had contended is over.
    func ended(_ session: ClientSession) {
        perform(machine.ended(session))
        serve()
    }

    private func perform(_ actions: [TakeoverStateMachine<ClientSession>.Action]) {
        for action in actions {
            switch action {
            case .bind(let newcomer):
                newcomer.bind(to: uid)
                serve()
            case .replace(let holder, let newcomer):
                holder.closeSuperseded()
                newcomer.bind(to: uid)
                serve()
            case .supersede(let holder, let newcomer):
                predecessor?.closeSuperseded()
                predecessor = holder
                if holder.isIdle {
                    holder.closeSuperseded()
                }
                newcomer.bind(to: uid)
                serve()
            case .probe(let holder, let newcomer):
                probe(holder, for: newcomer)
            case .refuse(let newcomer):
                let since = machine.holder?.since
                let moment = since.map { ", since \(Timestamp($0))" } ?? ""
                newcomer.refuse(
                    .clientUIDInUse,
                    reason: "the client UID \(uid) has a live session already\(moment)",
                    heldSince: since
                )
            }
        }
    }

    // A connector that died without a word would otherwise block its successor for as long as silence is tolerated.
    private func probe(_ holder: ClientSession, for newcomer: ClientSession) {
        holder.proveAlive(within: policy.probeTimeout) { [weak self] isAlive in
            guard let self else { return }
            perform(isAlive ? machine.holderAnswered(for: newcomer) : machine.holderStaysSilent(for: newcomer))
            serve()
        }
    }

    // MARK: Visitors

    // While it is in doubt whether the session lives, visitors wait: they would be lost with a dead one.
    private var servingSession: ClientSession? {
        guard !machine.isContested, let session, session.takesRelays else { return nil }
        return session
    }

    /// Makes an accepted TCP channel a relay, now or when the session can take it.
    ///
    /// - Returns: fails when the visitor cannot be served; it has been reset then.
    func adopt(_ visitor: any Channel, _ forward: Forward, _ meter: ForwardMeter) -> EventLoopFuture<Void> {
        guard visitors.isEmpty, let session = servingSession else {
            return visitors.enqueue(visitor, forward, meter)
        }
        return visitor.eventLoop.makeCompletedFuture {
            try session.startRelay(visitor, target: forward.target, meter: meter)
        }
    }

    /// Serves those who wait, as far as the session can take them.
    func serve() {
        while let session = servingSession, let next = visitors.next() {
            do {
                try session.startRelay(next.channel, target: next.forward.target, meter: next.meter)
                next.release()
            } catch {
                continue  // startRelay has reset the visitor; a session that is over takes no further one
            }
        }
    }

    /// Resets those who wait.
    func abortVisitors() {
        visitors.abortAll()
    }
}

@available(*, unavailable)
extension ClientSlot: Sendable {}
