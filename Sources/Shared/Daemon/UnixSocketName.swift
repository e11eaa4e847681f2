internal import Glibc

/// The name of a socket of the family AF_UNIX: a path, or a name of Linux's abstract namespace (unix(7)).
struct UnixSocketName: Hashable, Sendable {
    /// What fits into `sun_path` with its final NUL.
    private static let maximumBytes = 107

    /// As `sun_path` has it: a path, or NUL and the abstract name.
    private let bytes: [UInt8]
    private let isAbstract: Bool

    /// - Parameter text: an absolute path, or `@` and an abstract name; 2 to 107 bytes without NUL. Nil for anything else.
    init?(_ text: String) {
        var bytes = Array(text.utf8)
        guard 2...Self.maximumBytes ~= bytes.count, !bytes.contains(0) else { return nil }
        switch bytes[0] {
        case UInt8(ascii: "/"):
            isAbstract = false
        case UInt8(ascii: "@"):
            isAbstract = true
            bytes[0] = 0
        default:
            return nil
        }
        self.bytes = bytes
    }

    /// Calls `body` with the name as the socket calls want it.
    func withSockAddr<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        // An abstract name is as long as the length says; a path ends in NUL.
        let header = MemoryLayout<sockaddr_un>.size - MemoryLayout.size(ofValue: address.sun_path)
        let length = socklen_t(header + bytes.count + (isAbstract ? 0 : 1))
        return withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
        }
    }
}
