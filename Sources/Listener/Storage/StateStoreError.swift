import GRDB
import Glibc
package import Shared

/// Why the state file cannot be used. The descriptions are the one line that a person at the terminal or in the log gets.
package enum StateStoreError: Error, Hashable {
    /// No file can have this path.
    case pathInvalid(path: String, problem: String)
    case folderMissing(path: String)
    /// There is something else at the path: "a directory".
    case notAFile(path: String, what: String)
    /// The operating system does not let this process create, read or write the file, or files beside it.
    case notPermitted(path: String, cause: SystemErrorCode)
    /// Another listener uses the file.
    case inUse(path: String)
    /// Another program holds SQLite's lock, for longer than is waited for it.
    case locked(path: String)
    /// A later listener wrote the file, in a form that this one does not know.
    case newerVersion(path: String, version: Int64)
    /// A sound SQLite database, but not a listener's.
    case foreignDatabase(path: String)
    case tooLarge(path: String, bytes: Int64)
    case diskFull(path: String)
    /// A failure that none of the others describes, in the words of SQLite or the operating system.
    case failed(path: String, cause: String)
    /// ``StateStore/close()`` came before.
    case closed(path: String)

    /// What a failure of SQLite on the file at `path` means.
    init(_ error: any Error, path: String) {
        guard let error = error as? DatabaseError else {
            self = .failed(path: path, cause: "\(error)")
            return
        }
        // Not GRDB's description: it quotes the statement.
        let cause = "\(error.message ?? "no message") (SQLite error \(error.extendedResultCode.rawValue))"
        switch error.resultCode.primaryResultCode {
        case .SQLITE_FULL: self = .diskFull(path: path)
        case .SQLITE_BUSY, .SQLITE_LOCKED: self = .locked(path: path)
        default: self = .failed(path: path, cause: cause)
        }
    }

    /// What a failure of the operating system on the file at `path` means.
    init(_ code: SystemErrorCode, path: String) {
        switch code.rawValue {
        case ENOENT, ENOTDIR: self = .folderMissing(path: path)
        case EACCES, EPERM, EROFS: self = .notPermitted(path: path, cause: code)
        case ENOSPC, EDQUOT: self = .diskFull(path: path)
        default: self = .failed(path: path, cause: "\(code)")
        }
    }
}

extension StateStoreError: CustomStringConvertible {
    /// `SWL_STATE_PATH="x" is a directory; give the path of a file in it`
    package var description: String {
        switch self {
        case .pathInvalid(let path, let problem):
            line(path, problem, "give the path of a file")
        case .folderMissing(let path):
            line(path, "is in a folder that does not exist", "create the folder or correct the path")
        case .notAFile(let path, let what):
            line(path, "is \(what)", "give the path of a file, or of none yet")
        case .notPermitted(let path, let cause):
            line(path, "cannot be used: \(cause)", "let the listener's user read and write the file and its folder")
        case .inUse(let path):
            line(path, "is in use by another listener", "stop it, or give each listener a file of its own")
        case .locked(let path):
            line(path, "is locked by another program", "end that program, for example sqlite3")
        case .newerVersion(let path, let version):
            line(
                path,
                "was written by a later listener (version \(version), known is \(StateSchema.version))",
                "start that listener, or move the file away and open the forwards again"
            )
        case .foreignDatabase(let path):
            line(path, "is the database of another program", "give the listener a file of its own")
        case .tooLarge(let path, let bytes):
            line(path, "has \(bytes) bytes, which no state file has", "give the path of the right file")
        case .diskFull(let path):
            line(path, "cannot be written: the disk is full", "free space on it")
        case .failed(let path, let cause):
            line(path, "cannot be used: \(cause)", "check the disk and the permissions of the file and its folder")
        case .closed(let path):
            line(path, "is closed", "wait for the listener's next start")
        }
    }

    private func line(_ path: String, _ problem: String, _ remedy: String) -> String {
        "\(SettingError(setting: "SWL_STATE_PATH", value: path, problem: problem, remedy: remedy))"
    }
}
