internal import Glibc
package import Logging
package import NIOCore
internal import Synchronization

/// Tells the service manager, such as systemd, how this program is doing: sd_notify(3)'s protocol, without its library.
///
/// A notification is a datagram of lines `NAME=value` to the socket that `NOTIFY_SOCKET` names. Without that variable
/// nothing is sent. What cannot be sent is passed over, after one warning: a program works without its manager.
/// Owned by the program; may be used from any thread.
package final class ServiceNotifier: Sendable {
    /// How long the start and the stop of the program may wait for a manager that does not read, in seconds.
    private static let patience = 1

    private let descriptor: CInt
    private let request: ServiceManagerRequest
    private let hasWarned = Atomic(false)
    private let logger: Logger

    /// - Parameter environment: see ``ServiceManagerRequest``.
    package init(environment: [String: String], logger: Logger) {
        request = ServiceManagerRequest(environment: environment, processID: getpid())
        self.logger = logger
        descriptor = request.socket == nil ? -1 : socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        if descriptor >= 0 {
            var timeout = timeval(tv_sec: Self.patience, tv_usec: 0)
            _ = setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        } else if request.socket != nil {
            warn("\(SystemErrorCode(errno))")
        }
        for problem in request.problems {
            warn("\(problem)")
        }
    }

    deinit {
        if descriptor >= 0 {
            close(descriptor)
        }
    }

    /// The program does its work from now on. Not for an event loop: waits for a manager that does not read.
    ///
    /// - Parameter status: how it is doing, for a person.
    package func ready(status: String) {
        send("READY=1\nSTATUS=\(Self.line(status))", flags: 0)
    }

    /// How the program is doing, for a person.
    package func status(_ status: String) {
        send("STATUS=\(Self.line(status))", flags: MSG_DONTWAIT)
    }

    /// The program has begun to end. Not for an event loop: waits for a manager that does not read.
    package func stopping() {
        send("STOPPING=1\nSTATUS=shutting down", flags: 0)
    }

    /// Feeds the manager's watchdog from `eventLoop`, if it has one, until the loop ends: a loop that is stuck feeds no
    /// more, and the manager starts the program again.
    package func feedWatchdog(on eventLoop: any EventLoop) {
        guard let interval = request.feedInterval else { return }
        eventLoop.scheduleRepeatedTask(initialDelay: .zero, delay: interval) { _ in
            self.send("WATCHDOG=1", flags: MSG_DONTWAIT)
        }
    }

    /// A line break in a status would begin another notification.
    private static func line(_ status: String) -> String {
        status.singleLine(limit: 400)
    }

    private func send(_ message: String, flags: Int) {
        guard descriptor >= 0, let name = request.socket else { return }
        let bytes = Array(message.utf8)
        let count = name.withSockAddr { address, length in
            sendto(descriptor, bytes, bytes.count, Int32(flags | MSG_NOSIGNAL), address, length)
        }
        if count < 0 {
            warn("\(SystemErrorCode(errno))")
        }
    }

    private func warn(_ problem: String) {
        guard !hasWarned.exchange(true, ordering: .relaxed) else { return }
        logger.warning("the service manager cannot be notified", metadata: [LogKeys.error: "\(problem)"])
    }
}
