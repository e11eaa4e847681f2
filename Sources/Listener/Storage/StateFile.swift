import Glibc
import Shared

/// The state file and the files beside it, as the operating system sees them. SQLite's view is ``StateDatabase``'s.
struct StateFile: Sendable {
    enum Presence: Hashable {
        case absent
        case empty
        case filled
    }

    /// Nobody's state is larger: 65,536 forwards and 100,000 sessions with the longest names have 80 MB.
    static let maxBytes: Int64 = 256 << 20
    /// Only the listener's user may read or write: the file has keys.
    static let mode: mode_t = 0o600

    /// Absolute, without symbolic links as far as it exists: SQLite takes a relative one that begins with `file:` for a URI.
    let path: String
    /// What the path was in the setting, for error messages.
    let givenPath: String

    /// A new state file that is not complete yet.
    var newPath: String { path + "-new" }
    /// A copy of a damaged file.
    var copyPath: String { path + "-salvage" }
    var lockPath: String { path + "-lock" }

    /// SQLite's files beside a database.
    private static let sidecars = ["-journal", "-wal", "-shm"]

    /// - Parameter path: of a file in a folder that exists.
    /// - Throws: ``StateStoreError`` when there can be no file.
    init(path: String) throws(StateStoreError) {
        givenPath = path
        guard !path.isEmpty else { throw .pathInvalid(path: path, problem: "is empty") }
        guard !path.utf8.contains(0) else { throw .pathInvalid(path: path, problem: "contains a NUL character") }
        if let real = Self.realPath(path) {
            self.path = real
            return
        }
        guard errno == ENOENT, !path.hasSuffix("/") else { throw StateStoreError(SystemErrorCode(errno), path: path) }
        let slash = path.lastIndex(of: "/")
        let folder = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        guard let real = Self.realPath(folder) else { throw StateStoreError(SystemErrorCode(errno), path: path) }
        let name = slash.map { path[path.index(after: $0)...] } ?? path[...]
        self.path = real == "/" ? "/\(name)" : "\(real)/\(name)"
    }

    /// Whether there is a file, which can be read and written. Takes the permissions to it from everybody else.
    ///
    /// - Throws: ``StateStoreError`` when there is something else, or a file that cannot be used.
    func examine() throws(StateStoreError) -> Presence {
        guard let status = FileStatus(path: path) else {
            guard errno == ENOENT else { throw systemError() }
            return .absent
        }
        switch status.kind {
        case .regular: break
        case .directory: throw .notAFile(path: givenPath, what: "a directory")
        case .other: throw .notAFile(path: givenPath, what: "no regular file")
        }
        guard access(path, R_OK | W_OK) == 0 else { throw systemError() }
        guard status.bytes <= Self.maxBytes else { throw .tooLarge(path: givenPath, bytes: status.bytes) }
        if status.permissions & 0o077 != 0, chmod(path, Self.mode) != 0 { throw systemError() }
        return status.bytes == 0 ? .empty : .filled
    }

    // MARK: Replacing

    /// Creates an empty file at `path`, in the place of one that a crash has left over there.
    func create(_ path: String) throws(StateStoreError) {
        remove(path)
        close(try openNew(path))
    }

    /// Removes the file at `path` and SQLite's files beside it, as far as they are there.
    func remove(_ path: String) {
        for suffix in [""] + Self.sidecars {
            unlink(path + suffix)
        }
    }

    /// Makes the new file the state file, and keeps the one that was there.
    ///
    /// Whenever the power fails, there is either the old file at the path, from which everything can be read again, or the
    /// new one. Only on a file system without hard links there may be neither, for the moment between two renamings.
    ///
    /// - Returns: where the old file is now, or what SQLite had left beside it; nil when there was nothing.
    func replaceWithNew() throws(StateStoreError) -> String? {
        let aside = try asidePath()
        // A hard link: the old file is at the path, too, until the new one takes its place in one step.
        var isKept = link(path, aside) == 0
        if !isKept, errno != ENOENT {
            guard rename(path, aside) == 0 else { throw systemError() }
            isKept = true
        }
        // SQLite would take an old journal for one of the new file.
        for suffix in Self.sidecars {
            if rename(path + suffix, aside + suffix) == 0 {
                isKept = true
            } else if errno != ENOENT {
                throw systemError()
            }
        }
        guard rename(newPath, path) == 0 else { throw systemError() }
        try synchronizeFolder()
        return isKept ? aside : nil
    }

    /// A copy of the file for reading what is left of it. Zeros follow it until the last page is whole: SQLite does not look
    /// at a part of a page, though rows may be in it.
    ///
    /// - Parameter firstPage: stands in the place of as many bytes at the beginning; may be empty.
    func copy(firstPage: [UInt8]) throws(StateStoreError) {
        remove(copyPath)
        let source = open(path, O_RDONLY | O_CLOEXEC)
        guard source >= 0 else { throw systemError() }
        defer { close(source) }
        let destination = try openNew(copyPath)
        defer { close(destination) }
        var offset = 0
        while true {
            var chunk = [UInt8](repeating: 0, count: Self.chunkBytes)
            let count = pread(source, &chunk, chunk.count, off_t(offset))
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw systemError() }
            if offset == 0 {
                chunk.replaceSubrange(..<firstPage.count, with: firstPage)
            }
            guard pwrite(destination, chunk, chunk.count, off_t(offset)) == chunk.count else { throw systemError() }
            offset += chunk.count
            if count < chunk.count { return }
        }
    }

    /// The first bytes of the file at `path`.
    func beginning(of path: String, bytes: Int) throws(StateStoreError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw systemError() }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: bytes)
        guard pread(descriptor, &buffer, bytes, 0) == bytes else { throw systemError() }
        return buffer
    }

    // MARK: Private

    /// Every page size that SQLite has divides it.
    private static let chunkBytes = 65_536
    /// How many damaged files of one second are told apart.
    private static let maxAside = 1000

    private static func realPath(_ path: String) -> String? {
        guard let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        return String(cString: real)
    }

    private func openNew(_ path: String) throws(StateStoreError) -> CInt {
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, Self.mode)
        guard descriptor >= 0 else { throw systemError() }
        return descriptor
    }

    /// `PATH.damaged-20260102T030405Z`, or with `-2` and so on behind it: a path at which there is nothing.
    private func asidePath() throws(StateStoreError) -> String {
        var now = time(nil)
        var parts = tm()
        gmtime_r(&now, &parts)
        var text = [CChar](repeating: 0, count: 32)
        let count = strftime(&text, text.count, "%Y%m%dT%H%M%SZ", &parts)
        let stamp = String(decoding: text.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        for number in 1...Self.maxAside {
            let candidate = "\(path).damaged-\(stamp)" + (number == 1 ? "" : "-\(number)")
            let isFree = ([""] + Self.sidecars).allSatisfy { access(candidate + $0, F_OK) != 0 }
            if isFree { return candidate }
        }
        throw .failed(path: givenPath, cause: "there are too many damaged files beside it")
    }

    /// What was created, renamed or removed in the folder survives a power failure.
    private func synchronizeFolder() throws(StateStoreError) {
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw systemError() }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw systemError() }
    }

    private func systemError() -> StateStoreError {
        StateStoreError(SystemErrorCode(errno), path: givenPath)
    }
}
