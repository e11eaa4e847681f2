import FoundationEssentials
import GRDB
import Shared
import TestSupport
import Testing

@testable import Listener

@Suite("StateStore with a damaged file")
struct StateStoreDamageTests {
    private static let forwardCount = 50

    /// Opens the file at the path: what comes back must be right, and what is missing must be told.
    ///
    /// - Returns: what came back.
    @discardableResult
    private func check(
        _ fixture: StateStoreFixture,
        against saved: StoredState,
        _ what: Comment
    ) async throws -> StoredState? {
        let restored: StoredState
        do {
            restored = try await fixture.restore()
        } catch let error as StateStoreError {
            // A version that was damaged looks like a later one.
            guard case .newerVersion = error else {
                Issue.record(error, what)
                return nil
            }
            return nil
        }
        #expect(Set(restored.forwards).isSubset(of: saved.forwards), what)
        #expect(Set(restored.sessions).isSubset(of: saved.sessions), what)
        let isWhole =
            restored.forwards == saved.forwards && restored.sessions == saved.sessions
            && restored.keys == saved.keys
        #expect(isWhole || !restored.losses.isEmpty, what)
        let isMoved = try !fixture.damagedFiles().isEmpty
        // An empty file is not kept.
        #expect(isMoved == !restored.losses.isEmpty || restored.losses.count == 1, what)
        #expect(restored.losses.allSatisfy { !$0.contains("\n") }, what)
        let again = try await fixture.restore()
        #expect(again.forwards == restored.forwards, what)
        #expect(again.keys == restored.keys, what)
        #expect(again.sessions == restored.sessions, what)
        #expect(again.losses.isEmpty, what)
        return restored
    }

    private func clear(_ fixture: StateStoreFixture) throws {
        for name in try fixture.files() {
            try FileManager.default.removeItem(atPath: "\(fixture.directory.path)/\(name)")
        }
    }

    @Test func whatIsLeftOfATruncatedFileIsRestored() async throws {
        try await StateStoreFixture.with { fixture in
            let saved = try await fixture.fill(try StateStoreFixture.forwards(Self.forwardCount))
            let bytes = try fixture.bytes()
            var generator = SplitMix64(state: 1)
            var lengths = Array(stride(from: 0, to: bytes.count, by: 512))
            lengths += (0..<20).map { _ in Int.random(in: 0..<bytes.count, using: &generator) }
            var counts: [Int: Int] = [:]
            for length in lengths {
                try clear(fixture)
                try fixture.write(bytes.prefix(length))
                counts[length] = try await check(fixture, against: saved, "\(length) bytes")?.forwards.count
            }
            // The forwards' page comes second: a file that ends behind it has all of them, and one that ends in it some.
            #expect(counts[8192] == Self.forwardCount)
            #expect((1..<Self.forwardCount).contains(try #require(counts[7168])))
            #expect(counts[4096] == 0)
        }
    }

    @Test func flippedBytesGiveNoWrongForward() async throws {
        try await StateStoreFixture.with { fixture in
            let saved = try await fixture.fill(try StateStoreFixture.forwards(Self.forwardCount))
            let bytes = try fixture.bytes()
            var generator = SplitMix64(state: 2)
            var whole = 0
            for _ in 0..<200 {
                let offset = Int.random(in: 0..<bytes.count, using: &generator)
                let mask = UInt8.random(in: 1...255, using: &generator)
                var damaged = bytes
                damaged[offset] ^= mask
                try clear(fixture)
                try fixture.write(damaged)
                let restored = try await check(fixture, against: saved, "byte \(offset) xor \(mask)")
                whole += restored?.forwards == saved.forwards ? 1 : 0
            }
            // Most bytes of the file are no forward's.
            #expect(whole > 130)
        }
    }

    @Test func everyByteOfTheFirstPageMayBeLost() async throws {
        try await StateStoreFixture.with { fixture in
            let saved = try await fixture.fill(try StateStoreFixture.forwards(Self.forwardCount))
            let bytes = try fixture.bytes()
            try fixture.write(repeatElement(0xff, count: 4096) + bytes.dropFirst(4096))
            let restored = try await check(fixture, against: saved, "first page")
            #expect(restored?.forwards == saved.forwards)
            #expect(restored?.sessions == saved.sessions)
            #expect(restored?.keys == saved.keys)
        }
    }

    @Test func aLostPageCostsItsOwnForwardsOnly() async throws {
        try await StateStoreFixture.with { fixture in
            let saved = try await fixture.fillAtOnce(try StateStoreFixture.forwards(2000))
            let bytes = try fixture.bytes()
            let pages = bytes.count / 4096
            #expect(pages > 20)
            for page in 4..<pages - 1 where page % 3 == 0 {
                var damaged = bytes
                damaged.replaceSubrange(page * 4096..<(page + 1) * 4096, with: repeatElement(0, count: 4096))
                try clear(fixture)
                try fixture.write(damaged)
                let restored = try await check(fixture, against: saved, "page \(page)")
                #expect(restored?.forwards.count ?? 0 > 1850, "page \(page)")
            }
        }
    }

    @Test func pagesWhoseRootIsLostAreRestored() async throws {
        try await StateStoreFixture.with { fixture in
            let saved = try await fixture.fillAtOnce(try StateStoreFixture.forwards(2000))
            var bytes = try fixture.bytes()
            bytes.replaceSubrange(4096..<8192, with: repeatElement(0, count: 4096))
            try fixture.write(bytes)
            let restored = try await check(fixture, against: saved, "root page")
            #expect(restored?.forwards == saved.forwards)
        }
    }

    @Test func forwardsThatWereRemovedDoNotComeBack() async throws {
        try await StateStoreFixture.with { fixture in
            _ = try await fixture.fill(try StateStoreFixture.forwards(Self.forwardCount))
            let (store, _) = try fixture.open()
            for forward in try StateStoreFixture.forwards(Self.forwardCount).dropFirst(2) {
                try await store.remove(forward.port)
            }
            await store.close()
            let saved = try await fixture.restore()
            let bytes = try fixture.bytes()
            // The header of the forwards' page: every number of cells that it may be made to claim.
            for count in 0...60 as ClosedRange<UInt8> {
                var damaged = bytes
                damaged[4096 + 4] = count
                try clear(fixture)
                try fixture.write(damaged)
                try await check(fixture, against: saved, "\(count) cells")
            }
        }
    }

    @Test(arguments: [1, 15, 16, 100, 5000, 70_000])
    func garbageIsMovedAside(count: Int) async throws {
        try await StateStoreFixture.with { fixture in
            var generator = SplitMix64(state: UInt64(count))
            let garbage = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
            try fixture.write(garbage)
            let restored = try await fixture.restore()
            #expect(restored.forwards.isEmpty)
            #expect(restored.losses.contains { $0.hasPrefix("The old state file has been moved to ") })
            #expect(restored.losses.contains { $0.contains("must be opened again") })
            #expect(restored.losses.contains { $0.contains("idle timeout") })
            let damaged = try #require(try fixture.damagedFiles().first)
            #expect(try fixture.bytes("\(fixture.directory.path)/\(damaged)") == garbage)
            #expect(try fixture.files() == ["state.sqlite", damaged])
        }
    }

    @Test func earlierDamagedFilesStay() async throws {
        try await StateStoreFixture.with { fixture in
            for number in 0..<5 as Range<UInt8> {
                try fixture.write([number])
                _ = try await fixture.restore()
            }
            let contents = try fixture.damagedFiles().map { try fixture.bytes("\(fixture.directory.path)/\($0)") }
            #expect(Set(contents) == [[0], [1], [2], [3], [4]])
        }
    }

    @Test func anEmptyFileIsToldAsALoss() async throws {
        try await StateStoreFixture.with { fixture in
            try fixture.write([])
            let restored = try await fixture.restore()
            #expect(restored.forwards.isEmpty)
            #expect(restored.losses.count == 1)
            #expect(restored.losses.first?.contains("was empty") == true)
            #expect(try fixture.files() == ["state.sqlite"])
        }
    }

    @Test func aJournalWithoutItsFileIsMovedAside() async throws {
        try await StateStoreFixture.with { fixture in
            try fixture.write([1, 2, 3], to: fixture.path + "-journal")
            #expect(try await fixture.restore().losses.count == 1)
            #expect(try await fixture.restore().losses.isEmpty)
        }
    }

    @Test func rowsThatNobodyCouldHaveSavedAreLeftOut() async throws {
        try await StateStoreFixture.with { fixture in
            let saved = try await fixture.fill(try StateStoreFixture.forwards(3))
            try fixture.execute(
                """
                INSERT INTO forwards VALUES (0, 'a', 'b', 1, 1, 1), (-1, 'a', 'b', 1, 1, 1), (70000, 'a', 'b', 1, 1, 1),
                    (5, '', '', 99999, 1, 1), (6, char(10), 'a b', 1, 1, 1), (7, 'a', 'b', 1, 1, 1);
                INSERT INTO sessions VALUES ('x', 'nowhere', 1, x'', 1), ('y', '::1', 1, zeroblob(100), 1);
                UPDATE forwards SET target_port = 22 WHERE port = 20007;
                """
            )
            let restored = try await fixture.restore()
            #expect(restored.forwards == saved.forwards.filter { $0.port.number != 20_007 })
            #expect(restored.sessions == saved.sessions)
            #expect(restored.keys == saved.keys)
            #expect(restored.losses.contains { $0.contains("rows were not what was written") })
        }
    }

    @Test func lostKeysAreMadeAnewAndTold() async throws {
        try await StateStoreFixture.with { fixture in
            let saved = try await fixture.fill(try StateStoreFixture.forwards(3))
            try fixture.execute("DELETE FROM keys WHERE name = 'stateless_reset'")
            let restored = try await fixture.restore()
            #expect(restored.forwards == saved.forwards)
            #expect(restored.keys.statelessReset != saved.keys.statelessReset)
            #expect(restored.keys.retryToken == saved.keys.retryToken)
            #expect(restored.losses.contains { $0.contains("idle timeout") })
            #expect(try await fixture.restore().keys == restored.keys)
        }
    }

    @Test func tablesThatAreNotOursAreNotBelieved() async throws {
        try await StateStoreFixture.with { fixture in
            let saved = try await fixture.fill(try StateStoreFixture.forwards(3))
            // Reading this view would take for ever.
            try fixture.execute(
                """
                ALTER TABLE forwards RENAME TO elsewhere;
                CREATE VIEW forwards AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
                    SELECT i AS port, '' AS uid, '' AS target_host, 1 AS target_port, 1 AS opened_at, 1 AS crc32
                    FROM n WHERE i < 0;
                """
            )
            let restored = try await fixture.restore()
            #expect(restored.forwards == saved.forwards)
            #expect(!restored.losses.isEmpty)
        }
    }

    @Test func aWriteAheadLogIsTakenIn() async throws {
        try await StateStoreFixture.with { fixture in
            let saved = try await fixture.fill(try StateStoreFixture.forwards(3))
            try fixture.execute("PRAGMA journal_mode = WAL; DELETE FROM forwards WHERE port = 20000")
            let restored = try await fixture.restore()
            #expect(restored.forwards == Array(saved.forwards.dropFirst()))
            #expect(restored.losses.isEmpty)
            #expect(try fixture.files() == ["state.sqlite"])
        }
    }

    @Test func aNewerFileIsLeftAsItIs() async throws {
        try await StateStoreFixture.with { fixture in
            _ = try await fixture.fill(try StateStoreFixture.forwards(3))
            try fixture.execute("ALTER TABLE forwards ADD COLUMN more TEXT; PRAGMA user_version = 2")
            let bytes = try fixture.bytes()
            #expect(await fixture.refusal() == .newerVersion(path: fixture.path, version: 2))
            #expect(try fixture.bytes() == bytes)
            #expect(try fixture.files() == ["state.sqlite"])
        }
    }

    @Test func anotherProgramsDatabaseIsLeftAsItIs() async throws {
        try await StateStoreFixture.with { fixture in
            try fixture.execute("CREATE TABLE songs (name TEXT)")
            let bytes = try fixture.bytes()
            #expect(await fixture.refusal() == .foreignDatabase(path: fixture.path))
            #expect(try fixture.bytes() == bytes)
            #expect(try fixture.files() == ["state.sqlite"])
        }
    }
}
