import Shared
import TestSupport
import Testing

@Suite("ReadableFile")
struct ReadableFileTests {
    private func problem(_ path: String) -> String? {
        do throws(SettingError) {
            _ = try ReadableFile(path: path, setting: "X")
            return nil
        } catch {
            return error.problem
        }
    }

    @Test func fileIsAcceptedAndRead() async throws {
        try await ScratchFolder.with("file") { folder in
            let text = String(repeating: "0123456789", count: 5_000)
            let file = try ReadableFile(path: try folder.write(text, to: "a"), setting: "X")
            #expect(try file.contents(maxBytes: 50_000) == Array(text.utf8))
            let error = #expect(throws: SettingError.self) { try file.contents(maxBytes: 49_999) }
            #expect(error?.problem == "is larger than 49999 bytes")
        }
    }

    @Test func whatIsNoReadableFileIsRefusedForItsReason() async throws {
        try await ScratchFolder.with("file") { folder in
            let file = try folder.write("x", to: "file")
            let empty = try folder.write("", to: "empty")
            #expect(problem(folder.path + "/none") == "does not exist")
            #expect(problem(file + "/below") == "does not exist")
            #expect(problem(folder.path) == "is a directory")
            #expect(problem(empty) == "is an empty file")
            #expect(problem("/dev/null") == "is not a regular file")
            #expect(problem("") == "is empty")
            #expect(problem(file + "\u{0}x") == "contains a NUL character")
            #expect(problem("/" + String(repeating: "a", count: 5_000))?.hasPrefix("cannot be opened: ") == true)
        }
    }

    @Test func fileThatVanishedIsNoticedWhenItIsRead() async throws {
        let file = try await ScratchFolder.with("file") { folder in
            try ReadableFile(path: try folder.write("x", to: "a"), setting: "X")
        }
        let error = #expect(throws: SettingError.self) { try file.contents(maxBytes: 10) }
        #expect(error?.problem == "does not exist")
        #expect(error?.setting == "X")
    }
}
