import Foundation
import Glibc
import Synchronization

/// Keeps what a daemon wrote in a file, when `SOCKET_WARP_TEST_LOGS` names a folder for it: to study a failed test.
final class LogArchive: Sendable {
    private static let count = Atomic<Int>(0)
    private let path: String

    /// The archive of the next process called `name`; `nil` when none is wanted.
    static func open(for name: String) -> LogArchive? {
        guard let folder = ProcessInfo.processInfo.environment["SOCKET_WARP_TEST_LOGS"] else { return nil }
        let number = count.add(1, ordering: .relaxed).newValue
        return LogArchive(path: "\(folder)/\(getpid())-\(number)-\(name).log")
    }

    private init(path: String) {
        self.path = path
    }

    /// Adds a line. Called by one thread an output, so lines of the two may interleave but never tear.
    func append(_ line: String) {
        let descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { return }
        let bytes = Array((line + "\n").utf8)
        _ = write(descriptor, bytes, bytes.count)
        close(descriptor)
    }
}
