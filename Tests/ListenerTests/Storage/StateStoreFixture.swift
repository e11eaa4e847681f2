import FoundationEssentials
import GRDB
import NIOCore
import Shared
import TestSupport

@testable import Listener

/// A state file in a directory of its own, and what the tests put into it.
struct StateStoreFixture {
    let directory: ScratchFolder

    static func with(_ body: (StateStoreFixture) async throws -> Void) async throws {
        try await ScratchFolder.with("state") { try await body(StateStoreFixture(directory: $0)) }
    }

    var path: String { directory.path + "/state.sqlite" }

    func open(_ path: String? = nil) throws(StateStoreError) -> (store: StateStore, restored: StoredState) {
        try StateStore.open(path: path ?? self.path, logger: LogRecorder().logger())
    }

    /// Opens and closes the store.
    func restore(_ path: String? = nil) async throws -> StoredState {
        let (store, restored) = try open(path)
        await store.close()
        return restored
    }

    /// Why the store cannot be opened; nil when it can.
    func refusal(_ path: String? = nil) async -> StateStoreError? {
        do throws(StateStoreError) {
            await (try open(path)).store.close()
            return nil
        } catch {
            return error
        }
    }

    static func forward(_ port: UInt16, host: String = "target.example") throws -> Forward {
        Forward(
            port: ForwardPort(port),
            uid: try ClientUID("device-\(port % 7)"),
            target: try TargetAddress(host: "\(port).\(host)", port: port / 2)
        )
    }

    static func forwards(_ count: Int) throws -> [Forward] {
        try (0..<count).map { try forward(UInt16(20_000 + $0 * 7)) }
    }

    static func session(_ number: Int) throws -> StoredSession? {
        StoredSession(
            uid: try ClientUID("device-\(number)"),
            remoteAddress: try SocketAddress(
                ipAddress: number % 2 == 0 ? "192.0.2.\(number)" : "::1",
                port: 4000 + number
            ),
            connectionID: [UInt8](repeating: UInt8(number), count: 1 + number % 20)
        )
    }

    /// A closed file with these forwards and three sessions.
    ///
    /// - Returns: what is in it, as a next start has it.
    func fill(_ forwards: [Forward]) async throws -> StoredState {
        let (store, _) = try open()
        for forward in forwards {
            try await store.save(forward)
        }
        for number in 0..<3 {
            if let session = try Self.session(number) { try await store.save(session) }
        }
        await store.close()
        return try await restore()
    }

    /// As ``fill(_:)``, in one transaction and without sessions: for many forwards.
    func fillAtOnce(_ forwards: [Forward]) async throws -> StoredState {
        _ = try await restore()
        try insert(forwards)
        return try await restore()
    }

    private func insert(_ forwards: [Forward]) throws {
        let queue = try foreignConnection()
        try queue.write { database in
            for forward in forwards {
                try StateContents.write(StoredForward(forward: forward, openedAt: 1), database)
            }
        }
        try queue.close()
    }

    // MARK: A person with `sqlite3`

    /// Another program's connection, which allows transactions that stay open.
    func foreignConnection() throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        return try DatabaseQueue(path: path, configuration: configuration)
    }

    func execute(_ sql: String, on queue: DatabaseQueue) throws {
        try queue.writeWithoutTransaction { try $0.execute(sql: sql) }
    }

    func execute(_ sql: String) throws {
        let queue = try foreignConnection()
        try execute(sql, on: queue)
        try queue.close()
    }

    func storedPorts() throws -> [Int] {
        try foreignConnection().read { try Int.fetchAll($0, sql: "SELECT port FROM forwards") }
    }

    /// Copies what a process leaves that is killed while it commits: a file with some of the changes, and the journal.
    func copyAmidTransaction(to copy: String) throws {
        let queue = try foreignConnection()
        // A cache of one page: changes reach the file before their commit.
        try execute(
            """
            PRAGMA cache_size = 1; PRAGMA cache_spill = 1; BEGIN;
            UPDATE forwards SET target_host = 'wrong.example';
            UPDATE sessions SET address = '203.0.113.9';
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
                INSERT INTO forwards SELECT i, 'x', 'y', 1, 1, 1 FROM n;
            """,
            on: queue
        )
        try write(try bytes(), to: copy)
        try write(try bytes(path + "-journal"), to: copy + "-journal")
        try execute("ROLLBACK", on: queue)
        try queue.close()
    }

    // MARK: Bytes

    func bytes(_ path: String? = nil) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(filePath: path ?? self.path)))
    }

    func write(_ bytes: some Sequence<UInt8>, to path: String? = nil) throws {
        try Data(bytes).write(to: URL(filePath: path ?? self.path))
    }

    /// The names of the files in the directory, in order, but for the lock, which stays.
    func files() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory.path).filter { !$0.hasSuffix("-lock") }.sorted()
    }

    func damagedFiles() throws -> [String] {
        try files().filter { $0.contains(".damaged-") }
    }

    func permissions(_ path: String? = nil) -> UInt16? {
        FileStatus(path: path ?? self.path)?.permissions
    }
}
