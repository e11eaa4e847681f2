import GRDB

/// Reads from a damaged state file what can be read, from copies: the file itself stays as it is.
///
/// First table by table, up to the first damage. Then page by page, since a page whose parent is lost is out of SQLite's
/// sight: the first page, with header and schema, is replaced by that of a new file, and in its schema each page in turn is
/// made the root of every table. Wherever that leads SQLite, only rows with the right ``RowChecksum`` are believed; and no
/// page has rows that were removed, because those are overwritten.
enum Salvage {
    /// - Throws: ``StateStoreError`` when the file cannot be copied. Damage is no error.
    static func read(_ file: StateFile) throws(StateStoreError) -> StateContents {
        defer { file.remove(file.copyPath) }
        let firstPage = try newFirstPage(file)
        try file.copy(firstPage: [])
        var contents = readTables(file.copyPath)
        try file.copy(firstPage: firstPage)
        contents.merge(readPages(file.copyPath))
        return contents
    }

    private static func readTables(_ path: String) -> StateContents {
        var contents = StateContents()
        ignoringDamage {
            try openCopy(path).writeWithoutTransaction { database in
                guard try StateSchema.kind(database) == .ours else { return }
                readTables(database, into: &contents)
            }
        }
        return contents
    }

    private static func readPages(_ path: String) -> StateContents {
        var contents = StateContents()
        ignoringDamage {
            try openCopy(path).writeWithoutTransaction { database in
                try database.execute(sql: "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF")
                var page = 2
                let last = try Int.fetchOne(database, sql: "PRAGMA page_count") ?? 0
                while page <= last {
                    try database.execute(sql: "UPDATE sqlite_schema SET rootpage = ?", arguments: [page])
                    // Makes SQLite read the schema again.
                    try database.execute(sql: "PRAGMA writable_schema = RESET; PRAGMA writable_schema = ON")
                    readTables(database, into: &contents)
                    page += 1
                }
            }
        }
        return contents
    }

    private static func readTables(_ database: Database, into contents: inout StateContents) {
        ignoringDamage { try contents.readForwards(database) }
        ignoringDamage { try contents.readKeys(database) }
        ignoringDamage { try contents.readSessions(database) }
    }

    private static func openCopy(_ path: String) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.foreignKeysEnabled = false
        configuration.prepareDatabase { database in
            // With a writable schema SQLite reads files that are shorter than their header says.
            try database.execute(
                sql: """
                    PRAGMA writable_schema = ON;
                    PRAGMA trusted_schema = OFF;
                    PRAGMA cell_size_check = ON;
                    """
            )
        }
        return try DatabaseQueue(path: path, configuration: configuration)
    }

    private static func ignoringDamage(_ read: () throws -> Void) {
        do {
            try read()
        } catch {
            // What was read before stays.
        }
    }

    /// The first page of a state file without rows, made so that SQLite believes the file's size rather than the page.
    private static func newFirstPage(_ file: StateFile) throws(StateStoreError) -> [UInt8] {
        try file.create(file.copyPath)
        do {
            let queue = try StateDatabase.open(file.copyPath)
            try queue.write { try StateSchema.create($0) }
            try queue.close()
        } catch {
            throw StateStoreError(error, path: file.givenPath)
        }
        var page = try file.beginning(of: file.copyPath, bytes: StateSchema.pageBytes)
        // https://www.sqlite.org/fileformat2.html §1.3.7: the size of the database in pages; zero is no valid one.
        page.replaceSubrange(28..<32, with: [0, 0, 0, 0])
        return page
    }
}
