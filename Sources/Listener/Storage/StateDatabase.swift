import GRDB
import Shared

/// Opens SQLite on a ``StateFile`` and judges what it finds.
enum StateDatabase {
    /// What became of opening a file.
    enum Finding {
        /// Every byte that matters is as it was written.
        case sound(DatabaseQueue, StateContents)
        /// In words, for the log.
        case damaged(reason: String)
    }

    /// Opens a database for writing.
    ///
    /// A rollback journal, not a write-ahead log: between two transactions the file is everything there is, so that it can
    /// be copied, and a copy that was cut off lacks its end and nothing else. A commit is the deletion of the journal;
    /// `synchronous=EXTRA` is `FULL` and a sync of the folder after that. Without it, the journal could come back after a
    /// power failure and undo a forward that the API has already confirmed. A kill at any time leaves a journal that the
    /// next start plays back, or none.
    ///
    /// What is deleted is overwritten: no damage to a page's directory of rows can bring a closed forward back.
    ///
    /// - Throws: GRDB's and SQLite's errors.
    static func open(_ path: String) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.foreignKeysEnabled = false
        // For a person's query in `sqlite3`. The actor's thread is blocked meanwhile.
        configuration.busyMode = .timeout(1)
        configuration.prepareDatabase { database in
            try database.execute(
                sql: """
                    PRAGMA page_size = \(StateSchema.pageBytes);
                    PRAGMA trusted_schema = OFF;
                    PRAGMA cell_size_check = ON;
                    PRAGMA synchronous = EXTRA;
                    PRAGMA secure_delete = ON;
                    """
            )
        }
        return try DatabaseQueue(path: path, configuration: configuration)
    }

    /// Opens the state file and reads it.
    ///
    /// - Throws: ``StateStoreError`` when it is sound but cannot be used, and when it cannot be read for another reason than
    ///   damage: then nothing may be moved or replaced.
    static func inspect(_ file: StateFile) throws(StateStoreError) -> Finding {
        do {
            let queue = try open(file.path)
            return try queue.writeWithoutTransaction { database in
                if let reason = try damage(database, file) { return .damaged(reason: reason) }
                let contents = try read(database)
                if contents.badRows > 0 { return .damaged(reason: "it has rows that are not what was written") }
                if contents.keys == nil { return .damaged(reason: "it has no QUIC keys") }
                // A foreign tool may have left a write-ahead log.
                try database.execute(sql: "PRAGMA journal_mode = DELETE")
                // A header can be damaged so that SQLite reads, but does not write.
                try database.execute(sql: "BEGIN IMMEDIATE; ROLLBACK")
                return .sound(queue, contents)
            }
        } catch let error as StateStoreError {
            throw error
        } catch {
            guard isDamage(error) else { throw StateStoreError(error, path: file.givenPath) }
            return .damaged(reason: (error as? DatabaseError)?.message ?? "\(error)")
        }
    }

    /// - Returns: what is wrong with the file as a whole.
    private static func damage(_ database: Database, _ file: StateFile) throws -> String? {
        let kind = try StateSchema.kind(database)
        if kind == .foreign { throw StateStoreError.foreignDatabase(path: file.givenPath) }
        let version = try StateSchema.storedVersion(database)
        guard version <= StateSchema.version else {
            throw StateStoreError.newerVersion(path: file.givenPath, version: version)
        }
        guard kind == .ours, version == StateSchema.version else { return "its tables are not the listener's" }
        let check = try String.fetchOne(database, sql: "PRAGMA integrity_check(1)") ?? "no answer"
        return check == "ok" ? nil : check
    }

    private static func read(_ database: Database) throws -> StateContents {
        var contents = StateContents()
        try contents.readForwards(database)
        try contents.readKeys(database)
        try contents.readSessions(database)
        return contents
    }

    /// Whether an error speaks of the file's content, and not of the disk, memory, permissions or other programs.
    private static func isDamage(_ error: any Error) -> Bool {
        guard let error = error as? DatabaseError else { return true }
        switch error.extendedResultCode {
        case .SQLITE_IOERR_SHORT_READ, .SQLITE_IOERR_CORRUPTFS, .SQLITE_IOERR_DATA: return true
        // Its extended forms speak of permissions.
        case .SQLITE_READONLY: return true
        default: break
        }
        switch error.resultCode.primaryResultCode {
        case .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_ERROR, .SQLITE_FORMAT, .SQLITE_SCHEMA, .SQLITE_MISMATCH,
            .SQLITE_TOOBIG, .SQLITE_RANGE, .SQLITE_CONSTRAINT:
            return true
        default: return false
        }
    }
}
