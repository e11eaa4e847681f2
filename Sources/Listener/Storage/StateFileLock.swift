import Glibc
import Shared

/// Keeps a second listener off the state file, for as long as this exists; the kernel gives it up when the process ends,
/// however it ends.
///
/// On a file of its own, which stays: a damaged state file is replaced, and a lock would stay with the old one. Not SQLite's
/// exclusive locking mode, which would keep people with `sqlite3` from looking while the listener runs, and whose locks
/// vanish when anything in this process closes the file.
final class StateFileLock: Sendable {
    /// How often, and how many microseconds apart, the lock is tried: one that is being given up, by a listener that ends or a
    /// process that is between fork and exec, is worth half a second.
    private static let attempts = 50
    private static let pause: UInt32 = 10_000

    private let descriptor: CInt

    /// Blocks for half a second at most.
    ///
    /// - Throws: ``StateStoreError/inUse(path:)``, or why there can be no lock file.
    init(_ file: StateFile) throws(StateStoreError) {
        let flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK
        let descriptor = open(file.lockPath, flags, StateFile.mode)
        guard descriptor >= 0 else {
            throw StateStoreError(SystemErrorCode(errno), path: file.givenPath)
        }
        let code = Self.lock(descriptor)
        guard code == 0 else {
            close(descriptor)
            throw code == EWOULDBLOCK
                ? .inUse(path: file.givenPath) : StateStoreError(SystemErrorCode(code), path: file.givenPath)
        }
        self.descriptor = descriptor
    }

    deinit {
        close(descriptor)
    }

    /// - Returns: 0, or the errno value of the last attempt.
    private static func lock(_ descriptor: CInt) -> CInt {
        for attempt in 1...attempts {
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return 0 }
            guard errno == EWOULDBLOCK, attempt < attempts else { break }
            usleep(pause)
        }
        return errno
    }
}
