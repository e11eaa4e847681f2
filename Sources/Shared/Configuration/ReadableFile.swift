import Glibc

/// The path of a file that existed, could be read and was not empty when the configuration was parsed.
///
/// It may have changed by the time it is read, so reading checks again.
package struct ReadableFile: Hashable, Sendable {
    /// The name of the setting that holds the path.
    package let setting: String
    package let path: String

    /// - Throws: ``SettingError`` when there is no such file, it is a directory or other non-file, may not be read, or is empty.
    package init(path: String, setting: String) throws(SettingError) {
        self.path = path
        self.setting = setting
        let descriptor = try open()
        close(descriptor)
    }

    /// Whether there is anything at `path`, readable or not.
    package static func exists(_ path: String) -> Bool {
        access(path, F_OK) == 0
    }

    /// Everything in the file.
    ///
    /// - Parameter maxBytes: The size above which the file is refused: settings and certificates are small.
    /// - Throws: ``SettingError`` as at initialisation, and when the file is larger than `maxBytes` or reading fails.
    package func contents(maxBytes: Int) throws(SettingError) -> [UInt8] {
        let descriptor = try open()
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw error(
                    "cannot be read: \(SystemErrorCode(errno))",
                    remedy: "check the disk and the file's permissions"
                )
            }
            guard count > 0 else {
                return bytes
            }
            bytes.append(contentsOf: chunk[..<count])
            guard bytes.count <= maxBytes else {
                throw error("is larger than \(maxBytes) bytes", remedy: "check that the path names the right file")
            }
        }
    }

    /// An error about this file; for parsers of its contents too.
    package func error(_ problem: String, remedy: String) -> SettingError {
        SettingError(setting: setting, value: path, problem: problem, remedy: remedy)
    }

    /// Opens the file for reading and checks what it is. The caller closes the descriptor.
    private func open() throws(SettingError) -> CInt {
        guard !path.isEmpty else {
            throw error("is empty", remedy: "give the path of a file")
        }
        guard !path.utf8.contains(0) else {
            throw error("contains a NUL character", remedy: "give the path of a file")
        }
        // O_NONBLOCK: opening a FIFO that nobody writes to must not hang the start.
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw openingFailed(SystemErrorCode(errno))
        }
        do throws(SettingError) {
            try check(descriptor)
        } catch {
            close(descriptor)
            throw error
        }
        return descriptor
    }

    private func check(_ descriptor: CInt) throws(SettingError) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw openingFailed(SystemErrorCode(errno))
        }
        switch status.st_mode & S_IFMT {
        case S_IFREG: break
        case S_IFDIR: throw error("is a directory", remedy: "give the path of a file in it")
        default: throw error("is not a regular file", remedy: "give the path of a file")
        }
        guard status.st_size > 0 else {
            throw error("is an empty file", remedy: "write the file again, or give the path of the right one")
        }
    }

    private func openingFailed(_ code: SystemErrorCode) -> SettingError {
        switch code.rawValue {
        case ENOENT, ENOTDIR: error("does not exist", remedy: "create the file or correct the path")
        case EACCES, EPERM: error("may not be read by this user", remedy: "change the file's owner or permissions")
        default: error("cannot be opened: \(code)", remedy: "correct the path")
        }
    }
}
