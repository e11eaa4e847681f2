import Logging
import ServiceLifecycle
import Shared
import Synchronization

/// Writes to the state which sessions are live, so that a listener that crashed can tell their connectors at its start.
///
/// Told by the data path, which never waits; what is to be written is the last thing said of each client UID, so no more
/// waits than there are UIDs.
final class SessionJournal: Service {
    private let store: StateStore?
    private let logger: Logger
    private let pending = Mutex<[ClientUID: StoredSession?]>([:])
    private let signals: AsyncStream<Void>
    private let signal: AsyncStream<Void>.Continuation

    /// - Parameter store: nil = nothing is kept.
    init(store: StateStore?, logger: Logger) {
        self.store = store
        self.logger = logger
        (signals, signal) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Notes where the session of `uid` is reached; nil = it has none any more.
    func note(_ session: StoredSession?, for uid: ClientUID) {
        guard store != nil else { return }
        pending.withLock { $0[uid] = .some(session) }
        signal.yield()
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            for await _ in self.signals {
                await self.writePending()
            }
        }
        await writePending()
    }

    private func writePending() async {
        guard let store else { return }
        let changes = pending.withLock { pending in
            defer { pending.removeAll() }
            return pending
        }
        for (uid, session) in changes {
            do throws(StateStoreError) {
                if let session {
                    try await store.save(session)
                } else {
                    try await store.removeSession(uid)
                }
            } catch {
                // Only costs a connector the time until its next packet, should the listener crash.
                logger.warning("session could not be stored", metadata: [LogKeys.error: "\(error)"])
            }
        }
    }
}
