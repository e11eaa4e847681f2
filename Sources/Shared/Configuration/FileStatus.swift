import Glibc

/// What the operating system says about a file, at one moment.
package struct FileStatus: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        case regular
        case directory
        /// A device, socket, FIFO.
        case other
    }

    package let kind: Kind
    package let bytes: Int64
    /// The lowest nine bits of the mode: read, write and execute for owner, group and others.
    package let permissions: UInt16

    /// Follows symbolic links.
    ///
    /// - Returns: nil when there is nothing at `path`, or nothing that this process may see; `errno` says which.
    package init?(path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        switch status.st_mode & S_IFMT {
        case S_IFREG: kind = .regular
        case S_IFDIR: kind = .directory
        default: kind = .other
        }
        bytes = Int64(status.st_size)
        permissions = UInt16(status.st_mode & 0o777)
    }
}
