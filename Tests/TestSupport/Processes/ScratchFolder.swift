import Foundation
import Synchronization

/// A temporary folder that disappears with its owner and its test, or with the test process if they live that long.
package final class ScratchFolder: Sendable {
    private static let living = Mutex<Set<String>>([])
    private static let removalAtExit: Void = {
        atexit {
            ScratchFolder.living.withLock { paths in
                for path in paths { try? FileManager.default.removeItem(atPath: path) }
            }
        }
    }()

    package let path: String

    package init(_ name: String) throws {
        Self.removalAtExit
        let path = NSTemporaryDirectory() + "socket-warp-\(name)-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        self.path = path
        _ = Self.living.withLock { $0.insert(path) }
        TestLifetime.keep(self)
    }

    /// Runs `body` with a fresh, empty folder that is gone afterwards.
    package static func with<Value>(
        _ name: String,
        _ body: (ScratchFolder) async throws -> Value
    ) async throws -> Value {
        let folder = try ScratchFolder(name)
        defer { withExtendedLifetime(folder) {} }
        return try await body(folder)
    }

    deinit {
        // Nothing depends on the removal: what stays behind lies in the system's temporary folder.
        try? FileManager.default.removeItem(atPath: path)
        let path = path
        _ = Self.living.withLock { $0.remove(path) }
    }

    /// The path of a member; the name may contain folders that exist.
    package func file(_ name: String) -> String {
        path + "/" + name
    }

    /// Writes a file, with the folders above it, and returns its path.
    @discardableResult
    package func write(_ text: String, to name: String) throws -> String {
        let path = file(name)
        let parent = URL(filePath: path).deletingLastPathComponent()
        try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
        try text.write(toFile: path, atomically: false, encoding: .utf8)
        return path
    }
}
