import Glibc
import Shared

/// Keeps a second listener off the state file, for as long as this exists; the kernel gives it up when the process ends,
/// however it ends.
///
/// On a file of its own, which stays: a damaged state file is replaced, and a lock would stay with the old one. Not SQLite's
/// exclusive locking mode, which would keep people with `sqlite3` from looking while the listener runs, and whose locks
/// vanish when anything in this process closes the file.
final class StateFileLock: Sendable {
    private let descriptor: CInt

    /// - Throws: ``StateStoreError/inUse(path:)``, or why there can be no lock file.
    init(_ file: StateFile) throws(StateStoreError) {
        let flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK
        let descriptor = open(file.lockPath, flags, StateFile.mode)
        guard descriptor >= 0 else {
            throw StateStoreError(SystemErrorCode(errno), path: file.givenPath)
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = SystemErrorCode(errno)
            close(descriptor)
            throw code.rawValue == EWOULDBLOCK
                ? .inUse(path: file.givenPath) : StateStoreError(code, path: file.givenPath)
        }
        self.descriptor = descriptor
    }

    deinit {
        close(descriptor)
    }
}
