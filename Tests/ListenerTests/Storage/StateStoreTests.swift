import FoundationEssentials
import GRDB
import Glibc
import Shared
import TestSupport
import Testing

@testable import Listener

@Suite("StateStore")
struct StateStoreTests {
    @Test func everythingIsThereAgainAfterAStart() async throws {
        try await StateStoreFixture.with { fixture in
            let (store, first) = try fixture.open()
            #expect(first.forwards.isEmpty)
            #expect(first.sessions.isEmpty)
            #expect(first.losses.isEmpty)
            let forwards = try StateStoreFixture.forwards(5)
            for forward in forwards.reversed() { try await store.save(forward) }
            let sessions = try (0..<4).compactMap { try StateStoreFixture.session($0) }
            #expect(sessions.count == 4)
            for session in sessions { try await store.save(session) }
            await store.close()
            let second = try await fixture.restore()
            #expect(second.forwards == forwards)
            #expect(second.keys == first.keys)
            #expect(second.sessions == sessions)
            #expect(second.losses.isEmpty)
            #expect(try fixture.files() == ["state.sqlite"])
        }
    }

    @Test func whatIsRemovedOrReplacedStaysSo() async throws {
        try await StateStoreFixture.with { fixture in
            let (store, _) = try fixture.open()
            let forwards = try StateStoreFixture.forwards(3)
            for forward in forwards { try await store.save(forward) }
            try await store.remove(forwards[0].port)
            try await store.remove(ForwardPort(1))
            let other = try StateStoreFixture.forward(forwards[1].port.number, host: "elsewhere")
            try await store.save(other)
            for number in 0..<2 {
                if let session = try StateStoreFixture.session(number) { try await store.save(session) }
            }
            try await store.removeSession(ClientUID("device-0"))
            try await store.removeSession(ClientUID("nobody"))
            await store.close()
            let restored = try await fixture.restore()
            #expect(restored.forwards == [other, forwards[2]])
            #expect(restored.sessions.map(\.uid.text) == ["device-1"])
        }
    }

    @Test func aCopyThatIsTakenAfterASaveHasIt() async throws {
        try await StateStoreFixture.with { fixture in
            let (store, _) = try fixture.open()
            let copy = fixture.directory.path + "/copy.sqlite"
            var saved: [Forward] = []
            for forward in try StateStoreFixture.forwards(10) {
                try await store.save(forward)
                saved.append(forward)
                // What a killed listener leaves: no file but this one.
                #expect(try fixture.files().filter { $0.hasPrefix("state") } == ["state.sqlite"])
                try fixture.write(try fixture.bytes(), to: copy)
                let restored = try await fixture.restore(copy)
                #expect(restored.forwards == saved)
                #expect(restored.losses.isEmpty)
            }
            await store.close()
        }
    }

    @Test func aJournalOfAnUnfinishedTransactionIsPlayedBack() async throws {
        try await StateStoreFixture.with { fixture in
            let before = try await fixture.fill(try StateStoreFixture.forwards(50))
            let copy = fixture.directory.path + "/copy.sqlite"
            try fixture.copyAmidTransaction(to: copy)
            #expect(try fixture.bytes(copy) != fixture.bytes())
            let restored = try await fixture.restore(copy)
            #expect(restored.forwards == before.forwards)
            #expect(restored.sessions == before.sessions)
            #expect(restored.losses.isEmpty)
        }
    }

    @Test func onlyTheOwnerMayReadTheFiles() async throws {
        try await StateStoreFixture.with { fixture in
            let (store, _) = try fixture.open()
            #expect(fixture.permissions() == 0o600)
            #expect(fixture.permissions(fixture.path + "-lock") == 0o600)
            await store.close()
            #expect(chmod(fixture.path, 0o644) == 0)
            await (try fixture.open()).store.close()
            #expect(fixture.permissions() == 0o600)
            try fixture.write([1, 2, 3])
            #expect(chmod(fixture.path, 0o644) == 0)
            await (try fixture.open()).store.close()
            #expect(fixture.permissions() == 0o600)
            let damaged = try #require(try fixture.damagedFiles().first)
            #expect(fixture.permissions("\(fixture.directory.path)/\(damaged)") == 0o600)
        }
    }

    @Test func aSecondListenerIsRefusedUntilTheFirstIsDone() async throws {
        try await StateStoreFixture.with { fixture in
            let (store, _) = try fixture.open()
            #expect(await fixture.refusal() == .inUse(path: fixture.path))
            let link = fixture.directory.path + "/link"
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: fixture.path)
            #expect(await fixture.refusal(link) == .inUse(path: link))
            let forward = try StateStoreFixture.forward(2000)
            try await store.save(forward)
            await store.close()
            await store.close()
            #expect(try await fixture.restore(link).forwards == [forward])
            await #expect(throws: StateStoreError.closed(path: fixture.path)) { try await store.save(forward) }
        }
    }

    @Test func anotherProgramMayReadWhileTheListenerRuns() async throws {
        try await StateStoreFixture.with { fixture in
            let (store, _) = try fixture.open()
            try await store.save(try StateStoreFixture.forward(2000))
            #expect(try fixture.storedPorts() == [2000])
            try await store.save(try StateStoreFixture.forward(2001))
            await store.close()
        }
    }

    @Test func aSaveThatFailsLeavesWhatWasThere() async throws {
        try await StateStoreFixture.with { fixture in
            let (store, _) = try fixture.open()
            let forward = try StateStoreFixture.forward(2000)
            try await store.save(forward)
            let other = try fixture.foreignConnection()
            try fixture.execute("BEGIN EXCLUSIVE", on: other)
            await #expect(throws: StateStoreError.locked(path: fixture.path)) {
                try await store.save(try StateStoreFixture.forward(2001))
            }
            try fixture.execute("ROLLBACK", on: other)
            try other.close()
            let last = try StateStoreFixture.forward(2002)
            try await store.save(last)
            await store.close()
            #expect(try await fixture.restore().forwards == [forward, last])
        }
    }

    @Test func aFileThatIsReplacedUnderneathIsNotWrittenTo() async throws {
        try await StateStoreFixture.with { fixture in
            let (store, _) = try fixture.open()
            try FileManager.default.removeItem(atPath: fixture.path)
            let error = await #expect(throws: StateStoreError.self) {
                try await store.save(try StateStoreFixture.forward(2000))
            }
            guard case .failed = error else {
                Issue.record("it was not told as a failure")
                return
            }
            await store.close()
        }
    }

    @Test func pathsThatNoFileCanHaveAreRefusedForTheirReason() async throws {
        try await StateStoreFixture.with { fixture in
            let folder = fixture.directory.path
            #expect(await fixture.refusal("") == .pathInvalid(path: "", problem: "is empty"))
            #expect(await fixture.refusal("a\0b") == .pathInvalid(path: "a\0b", problem: "contains a NUL character"))
            #expect(await fixture.refusal(folder) == .notAFile(path: folder, what: "a directory"))
            #expect(await fixture.refusal("/dev/null") == .notAFile(path: "/dev/null", what: "no regular file"))
            #expect(await fixture.refusal("\(folder)/a/b") == .folderMissing(path: "\(folder)/a/b"))
            #expect(await fixture.refusal("\(folder)/a/") == .folderMissing(path: "\(folder)/a/"))
            try fixture.directory.write("x", to: "file")
            #expect(await fixture.refusal("\(folder)/file/b") == .folderMissing(path: "\(folder)/file/b"))
            #expect(try fixture.files() == ["file"])
        }
    }

    @Test(.enabled(if: geteuid() != 0, "root may write everywhere"))
    func filesAndFoldersThatMayNotBeWrittenAreRefused() async throws {
        try await StateStoreFixture.with { fixture in
            _ = try await fixture.fill([])
            #expect(chmod(fixture.path, 0o400) == 0)
            let cause = SystemErrorCode(EACCES)
            #expect(await fixture.refusal() == .notPermitted(path: fixture.path, cause: cause))
            #expect(chmod(fixture.directory.path, 0o500) == 0)
            let other = fixture.directory.path + "/other"
            #expect(await fixture.refusal(other) == .notPermitted(path: other, cause: cause))
            #expect(chmod(fixture.directory.path, 0o700) == 0)
        }
    }

    @Test func failuresAreToldInOneLine() {
        let full = StateStoreError(DatabaseError(resultCode: .SQLITE_FULL), path: "/a")
        #expect("\(full)" == #"SWL_STATE_PATH="/a" cannot be written: the disk is full; free space on it"#)
        let failure = StateStoreError(DatabaseError(resultCode: .SQLITE_IOERR, message: "a\nb"), path: "/a")
        #expect(!"\(failure)".contains("\n"))
        #expect("\(failure)".contains("(SQLite error 10)"))
    }

    @Test func noKeyIsInADescription() async throws {
        try await StateStoreFixture.with { fixture in
            let restored = try await fixture.restore()
            var dumped = ""
            dump(restored, to: &dumped)
            for text in ["\(restored)", String(reflecting: restored), dumped] {
                #expect(text.contains("EndpointKeys"))
                for key in [restored.keys.statelessReset.key, restored.keys.retryToken] {
                    #expect(!text.contains("\(key[0]), \(key[1])"))
                }
            }
        }
    }
}
