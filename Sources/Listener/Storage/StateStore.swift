import GRDB
import Glibc
package import Logging
package import Shared

/// The listener's state file: what must be there again after a crash. Forwards, the keys of the QUIC endpoint, and the
/// sessions that are live.
///
/// One per listener, for the life of the program. What is saved or removed has reached the disk when the call returns; a
/// call that throws has changed nothing. GRDB's queue blocks its caller, and so an executor's thread for the milliseconds
/// that a disk takes (a second at most, when another program locks the file): saves are as rare as API calls and admissions.
package actor StateStore {
    private let path: String
    private var queue: DatabaseQueue?
    private var lock: StateFileLock?

    private init(path: String, queue: DatabaseQueue, lock: StateFileLock) {
        self.path = path
        self.queue = queue
        self.lock = lock
    }

    /// Opens the state file, or makes a new one.
    ///
    /// A damaged file is moved aside, never deleted, and what can be read from it goes into a new one.
    ///
    /// - Throws: ``StateStoreError`` when the file cannot be used; it is then as it was.
    package static func open(
        path: String,
        logger: Logger
    ) throws(StateStoreError) -> (store: StateStore, restored: StoredState) {
        let file = try StateFile(path: path)
        // Before the lock: a directory at the path is said to be one.
        _ = try file.examine()
        let lock = try StateFileLock(file)
        var losses: [String] = []
        switch try file.examine() {
        case .absent:
            losses += try replace(file, with: StateContents())
            logger.info("state file made", metadata: [LogKeys.statePath: "\(path)"])
        case .empty:
            // Nothing worth keeping.
            file.remove(file.path)
            losses += try replace(file, with: StateContents())
            losses.append("The state file \(path) was empty. \(Advice.forwards) \(Advice.keys)")
        case .filled:
            if case .damaged(let reason) = try StateDatabase.inspect(file) {
                losses += try repair(file, reason: reason)
            }
        }
        switch try StateDatabase.inspect(file) {
        case .damaged(let reason):
            throw .failed(path: path, cause: reason)
        case .sound(let queue, let contents):
            guard let keys = contents.keys else { preconditionFailure("a sound file has keys") }
            let restored = StoredState(
                forwards: contents.forwards.values.map(\.forward).sorted { $0.port < $1.port },
                keys: keys,
                sessions: contents.sessions.values.sorted { $0.uid.text < $1.uid.text },
                losses: losses.map { $0.singleLine(limit: 2000) }
            )
            return (StateStore(path: path, queue: queue, lock: lock), restored)
        }
    }

    /// Keeps a forward, in the place of one on the same port.
    ///
    /// - Parameter forward: has a real port.
    package func save(_ forward: Forward) throws(StateStoreError) {
        precondition(!forward.port.isAnyFree, "an open forward has a port")
        let stored = StoredForward(forward: forward, openedAt: Int64(time(nil)))
        try write { try StateContents.write(stored, $0) }
    }

    /// Forgets the forward on a port, if there is one.
    package func remove(_ port: ForwardPort) throws(StateStoreError) {
        try write {
            try $0.execute(sql: "DELETE FROM forwards WHERE port = ?", arguments: [Int64(port.number)])
        }
    }

    /// Keeps a session, in the place of one with the same client UID.
    package func save(_ session: StoredSession) throws(StateStoreError) {
        try write { try StateContents.write(session, $0) }
    }

    /// Forgets the session of a client UID, if there is one.
    package func removeSession(_ uid: ClientUID) throws(StateStoreError) {
        try write { try $0.execute(sql: "DELETE FROM sessions WHERE uid = ?", arguments: [uid.text]) }
    }

    /// Lets another listener have the file. What is saved later throws ``StateStoreError/closed(path:)``.
    package func close() {
        // Closing fails only while a statement runs, and none does; freed, the queue closes in any case.
        queue = nil
        lock = nil
    }

    // MARK: Private

    /// One transaction: all of it or, when it throws, nothing.
    private func write(_ body: (Database) throws -> Void) throws(StateStoreError) {
        guard let queue else { throw .closed(path: path) }
        do {
            try queue.write(body)
        } catch {
            throw StateStoreError(error, path: path)
        }
    }

    /// - Returns: what was lost.
    private static func repair(_ file: StateFile, reason: String) throws(StateStoreError) -> [String] {
        let saved = try Salvage.read(file)
        var losses = try replace(file, with: saved)
        losses.insert("The state file \(file.givenPath) was damaged (\(reason.singleLine(limit: 200))).", at: 0)
        losses.append("\(saved.forwards.count) forwards could be read from it. \(Advice.forwards)")
        if saved.badRows > 0 {
            losses.append("\(saved.badRows) of its rows were not what was written and have been left out.")
        }
        if saved.keys == nil {
            losses.append("Its QUIC keys could not be read and have been made anew. \(Advice.keys)")
        }
        return losses
    }

    /// Writes a new state file and puts it in the place of what is there.
    ///
    /// - Returns: where the old file went, as a sentence.
    private static func replace(
        _ file: StateFile,
        with contents: StateContents
    ) throws(StateStoreError) -> [String] {
        var contents = contents
        contents.completeKeys(from: EndpointKeys(random: RandomSource(SystemRandomNumberGenerator())))
        try file.create(file.newPath)
        do {
            let queue = try StateDatabase.open(file.newPath)
            try queue.write { database in
                try StateSchema.create(database)
                try contents.write(database)
            }
            try queue.close()
        } catch {
            file.remove(file.newPath)
            throw StateStoreError(error, path: file.givenPath)
        }
        guard let aside = try file.replaceWithNew() else { return [] }
        return ["The old state file has been moved to \(aside)."]
    }

    /// What the operator can do about a loss, and what happens by itself.
    private enum Advice {
        static let forwards = "Forwards that /list does not show must be opened again."
        static let keys = "Connectors of the last run come back only after their idle timeout."
    }
}
