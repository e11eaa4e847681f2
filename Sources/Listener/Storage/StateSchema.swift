import GRDB

/// The tables of the state file.
///
/// Each row ends with its ``RowChecksum``. No table has an index: there is nothing that could contradict it.
enum StateSchema {
    /// The file's `user_version`. Whoever changes a table's text raises it, and brings the older form into the new one.
    static let version: Int64 = 1

    /// Every page is as large as this: ``Salvage`` puts a new first page before an old file.
    static let pageBytes = 4096

    /// The names and texts of the tables, in the order in which they are made, so that their places in the file are known.
    static let tables: [(name: String, sql: String)] = [
        (
            "forwards",
            """
            CREATE TABLE forwards (port INTEGER PRIMARY KEY, uid TEXT NOT NULL, target_host TEXT NOT NULL, \
            target_port INTEGER NOT NULL, opened_at INTEGER NOT NULL, crc32 INTEGER NOT NULL) STRICT
            """
        ),
        (
            "keys",
            """
            CREATE TABLE keys (name TEXT PRIMARY KEY, value BLOB NOT NULL, crc32 INTEGER NOT NULL) \
            STRICT, WITHOUT ROWID
            """
        ),
        (
            "sessions",
            """
            CREATE TABLE sessions (uid TEXT PRIMARY KEY, address TEXT NOT NULL, port INTEGER NOT NULL, \
            connection_id BLOB NOT NULL, crc32 INTEGER NOT NULL) STRICT, WITHOUT ROWID
            """
        ),
    ]

    /// What the schema of a file is.
    enum Kind: Hashable {
        case ours
        /// None of our tables, but others.
        case foreign
        /// Nothing, or ours changed.
        case damaged
    }

    /// Makes the tables in an empty file.
    static func create(_ database: Database) throws {
        for table in tables {
            try database.execute(sql: table.sql)
        }
        try database.execute(sql: "PRAGMA user_version = \(version)")
    }

    static func storedVersion(_ database: Database) throws -> Int64 {
        try Int64.fetchOne(database, sql: "PRAGMA user_version") ?? 0
    }

    /// Compared word for word, before any other statement touches the file: a view or trigger in place of a table could
    /// make SQLite compute whatever it likes.
    static func kind(_ database: Database) throws -> Kind {
        let limit = tables.count + 1
        let cursor = try Row.fetchCursor(
            database,
            sql: "SELECT type, name, sql FROM sqlite_schema ORDER BY rowid LIMIT ?",
            arguments: [limit]
        )
        var found: [[DatabaseValue]] = []
        while let row = try cursor.next() {
            found.append([row[0], row[1], row[2]])
        }
        let expected = tables.map { ["table".databaseValue, $0.name.databaseValue, $0.sql.databaseValue] }
        guard found != expected else { return .ours }
        let names = Set(tables.map(\.name.databaseValue))
        return found.isEmpty || found.contains { names.contains($0[1]) } ? .damaged : .foreign
    }
}
