import NIOCore
import Shared

/// Which session serves a client UID, and every connection that is not over yet. Confined to the event loop of the data
/// path.
final class SessionRegistry {
    private var live: [ClientUID: ClientSession] = [:]
    private var all: [ObjectIdentifier: ClientSession] = [:]

    /// Every session, live or still to be admitted.
    var sessions: [ClientSession] { Array(all.values) }

    func liveSession(for uid: ClientUID) -> ClientSession? {
        live[uid]
    }

    /// Keeps a session from its connection's first packet to its end.
    func insert(_ session: ClientSession) {
        all[ObjectIdentifier(session)] = session
    }

    /// Makes `session` the one that serves `uid`, which no other live session does.
    func bind(_ session: ClientSession, to uid: ClientUID) {
        precondition(live[uid] == nil, "two sessions with one client UID")
        live[uid] = session
    }

    /// Forgets a session that is over.
    func remove(_ session: ClientSession) {
        all[ObjectIdentifier(session)] = nil
        if let uid = session.uid, live[uid] === session {
            live[uid] = nil
        }
    }
}

@available(*, unavailable)
extension SessionRegistry: Sendable {}
