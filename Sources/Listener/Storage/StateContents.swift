import FoundationEssentials
import GRDB
import NIOCore
import Shared

/// The rows of a state file, as far as they could be read and are what was written.
///
/// Every value is hostile until it is parsed here: only rows with the right checksum become forwards, keys and sessions.
struct StateContents {
    /// More rows than this are not read: each port once, and more sessions than a listener can have.
    private static let maxForwards = 65_535
    private static let maxSessions = 100_000

    private static let statelessResetName = "stateless_reset"
    private static let retryTokenName = "retry_token"

    private(set) var forwards: [ForwardPort: StoredForward] = [:]
    private(set) var statelessReset: [UInt8]?
    private(set) var retryToken: [UInt8]?
    private(set) var sessions: [ClientUID: StoredSession] = [:]
    /// Rows that were read but are not what was written, or more than there can be.
    private(set) var badRows = 0

    /// Both keys, when both are there.
    var keys: EndpointKeys? {
        guard let statelessReset, let retryToken else { return nil }
        return EndpointKeys(storedStatelessReset: statelessReset, retryToken: retryToken)
    }

    /// Puts new keys where there are none.
    mutating func completeKeys(from new: EndpointKeys) {
        statelessReset = statelessReset ?? new.statelessReset.key
        retryToken = retryToken ?? new.retryToken
    }

    /// Adds what `other` has and this has not. Bad rows are not added up: they would be the same ones.
    mutating func merge(_ other: StateContents) {
        forwards.merge(other.forwards) { mine, _ in mine }
        sessions.merge(other.sessions) { mine, _ in mine }
        statelessReset = statelessReset ?? other.statelessReset
        retryToken = retryToken ?? other.retryToken
    }

    // MARK: Reading

    /// - Throws: what SQLite throws, here and below; what was read before that stays.
    mutating func readForwards(_ database: Database) throws {
        let cursor = try Row.fetchCursor(
            database,
            sql: """
                SELECT port, uid, target_host, target_port, opened_at, crc32 FROM forwards ORDER BY port LIMIT ?
                """,
            arguments: [Self.maxForwards + 1]
        )
        while let row = try cursor.next() {
            if let stored = Self.forward(row) {
                forwards[stored.forward.port] = forwards[stored.forward.port] ?? stored
            } else {
                badRows += 1
            }
        }
    }

    mutating func readKeys(_ database: Database) throws {
        statelessReset = try key(Self.statelessResetName, database) ?? statelessReset
        retryToken = try key(Self.retryTokenName, database) ?? retryToken
    }

    mutating func readSessions(_ database: Database) throws {
        let cursor = try Row.fetchCursor(
            database,
            sql: "SELECT uid, address, port, connection_id, crc32 FROM sessions ORDER BY uid LIMIT ?",
            arguments: [Self.maxSessions + 1]
        )
        while let row = try cursor.next() {
            guard sessions.count < Self.maxSessions, let session = Self.session(row) else {
                badRows += 1
                continue
            }
            sessions[session.uid] = sessions[session.uid] ?? session
        }
    }

    private mutating func key(_ name: String, _ database: Database) throws -> [UInt8]? {
        let row = try Row.fetchOne(database, sql: "SELECT value, crc32 FROM keys WHERE name = ?", arguments: [name])
        guard let row else { return nil }
        guard case .blob(let value) = (row[0] as DatabaseValue).storage,
            case .int64(let checksum) = (row[1] as DatabaseValue).storage,
            value.count == EndpointKeys.keyBytes, checksum == Self.checksum(key: name, Array(value))
        else {
            badRows += 1
            return nil
        }
        return Array(value)
    }

    private static func forward(_ row: Row) -> StoredForward? {
        guard case .int64(let port) = (row[0] as DatabaseValue).storage,
            case .string(let uid) = (row[1] as DatabaseValue).storage,
            case .string(let host) = (row[2] as DatabaseValue).storage,
            case .int64(let targetPort) = (row[3] as DatabaseValue).storage,
            case .int64(let openedAt) = (row[4] as DatabaseValue).storage,
            case .int64(let checksum) = (row[5] as DatabaseValue).storage,
            let number = UInt16(exactly: port), number > 0, let targetNumber = UInt16(exactly: targetPort)
        else { return nil }
        do {
            let forward = Forward(
                port: ForwardPort(number),
                uid: try ClientUID(uid),
                target: try TargetAddress(host: host, port: targetNumber)
            )
            let stored = StoredForward(forward: forward, openedAt: openedAt)
            return checksum == Self.checksum(stored) ? stored : nil
        } catch {
            return nil  // a client UID or target that no API call could have opened
        }
    }

    private static func session(_ row: Row) -> StoredSession? {
        guard case .string(let uid) = (row[0] as DatabaseValue).storage,
            case .string(let address) = (row[1] as DatabaseValue).storage,
            case .int64(let port) = (row[2] as DatabaseValue).storage,
            case .blob(let connectionID) = (row[3] as DatabaseValue).storage,
            case .int64(let checksum) = (row[4] as DatabaseValue).storage,
            let number = UInt16(exactly: port), IPLiteral.isValid(address)
        else { return nil }
        do {
            let session = StoredSession(
                uid: try ClientUID(uid),
                remoteAddress: try SocketAddress(ipAddress: address, port: Int(number)),
                connectionID: Array(connectionID)
            )
            guard let session, checksum == Self.checksum(session) else { return nil }
            return session
        } catch {
            return nil  // a client UID or address that no session could have had
        }
    }

    // MARK: Writing

    /// Writes everything into tables that are empty.
    func write(_ database: Database) throws {
        for stored in forwards.values {
            try Self.write(stored, database)
        }
        for session in sessions.values {
            try Self.write(session, database)
        }
        for (name, key) in [(Self.statelessResetName, statelessReset), (Self.retryTokenName, retryToken)] {
            guard let key else { continue }
            try database.execute(
                sql: "INSERT INTO keys (name, value, crc32) VALUES (?, ?, ?)",
                arguments: [name, Data(key), Self.checksum(key: name, key)]
            )
        }
    }

    /// Writes a forward in the place of another one with its port.
    static func write(_ stored: StoredForward, _ database: Database) throws {
        let forward = stored.forward
        try database.execute(
            sql: """
                INSERT OR REPLACE INTO forwards (port, uid, target_host, target_port, opened_at, crc32)
                VALUES (?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                Int64(forward.port.number), forward.uid.text, forward.target.host, Int64(forward.target.port),
                stored.openedAt, checksum(stored),
            ]
        )
    }

    /// Writes a session in the place of another one with its client UID.
    static func write(_ session: StoredSession, _ database: Database) throws {
        try database.execute(
            sql: """
                INSERT OR REPLACE INTO sessions (uid, address, port, connection_id, crc32) VALUES (?, ?, ?, ?, ?)
                """,
            arguments: [
                session.uid.text, session.remoteAddress.ipAddress, session.remoteAddress.port,
                Data(session.connectionID), checksum(session),
            ]
        )
    }

    private static func checksum(_ stored: StoredForward) -> Int64 {
        var checksum = RowChecksum(table: "forwards")
        checksum.add(Int64(stored.forward.port.number))
        checksum.add(stored.forward.uid.text)
        checksum.add(stored.forward.target.host)
        checksum.add(Int64(stored.forward.target.port))
        checksum.add(stored.openedAt)
        return checksum.value
    }

    private static func checksum(_ session: StoredSession) -> Int64 {
        var checksum = RowChecksum(table: "sessions")
        checksum.add(session.uid.text)
        checksum.add(session.remoteAddress.ipAddress ?? "")
        checksum.add(Int64(session.remoteAddress.port ?? 0))
        checksum.add(session.connectionID)
        return checksum.value
    }

    private static func checksum(key name: String, _ value: [UInt8]) -> Int64 {
        var checksum = RowChecksum(table: "keys")
        checksum.add(name)
        checksum.add(value)
        return checksum.value
    }
}
