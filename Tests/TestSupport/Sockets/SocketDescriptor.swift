import Glibc
import Synchronization

/// A non-blocking socket that is closed once: by its owner, or at the end of the test (`TestLifetime`).
final class SocketDescriptor: Sendable {
    private let descriptor: Mutex<Int32?>

    /// A new socket for addresses like `address`.
    convenience init(for address: SocketAddress, kind: __socket_type) throws {
        let descriptor = socket(address.family, Int32(kind.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw SocketError.system(call: "socket", errno: errno) }
        self.init(adopting: descriptor)
    }

    /// Takes over a socket that a call has made.
    init(adopting descriptor: Int32) {
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        self.descriptor = Mutex(descriptor)
        TestLifetime.keep(self)
    }

    deinit {
        close()
    }

    /// The number for system calls.
    func number() throws -> Int32 {
        guard let number = descriptor.withLock({ $0 }) else { throw SocketError.closedByTest }
        return number
    }

    func close() {
        descriptor.withLock { descriptor in
            guard let open = descriptor else { return }
            Glibc.close(open)
            descriptor = nil
        }
    }

    func bind(to address: SocketAddress) throws {
        let number = try number()
        guard address.withPointer({ Glibc.bind(number, $0, $1) }) == 0 else {
            throw SocketError.system(call: "bind", errno: errno)
        }
    }

    func setOption(level: Int32, _ option: Int32, to value: Int32) throws {
        var value = value
        guard setsockopt(try number(), level, option, &value, socklen_t(MemoryLayout<Int32>.size)) == 0 else {
            throw SocketError.system(call: "setsockopt", errno: errno)
        }
    }

    /// Waits until one of `events` (or an error) shows, and returns what did; 0 once the deadline has passed.
    func wait(for events: Int32, until deadline: Deadline) throws -> Int32 {
        var entry = pollfd(fd: try number(), events: Int16(events), revents: 0)
        while true {
            let count = poll(&entry, 1, deadline.remainingPollMilliseconds)
            if count > 0 { return Int32(entry.revents) }
            if count == 0 && deadline.hasPassed { return 0 }
            if count < 0 && errno != EINTR { throw SocketError.system(call: "poll", errno: errno) }
        }
    }
}
