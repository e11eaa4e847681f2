import Foundation
import Glibc

/// A started process: its pid and, in time, its exit status. Reaped by a thread of its own; `deinit` ends the process.
package final class ChildProcess: Sendable {
    package let pid: Int32
    private let exit: Monitor<ExitStatus?>

    init(_ request: SpawnRequest) throws {
        let pid = try ProcessSpawner.shared.spawn(request)
        let exit = Monitor<ExitStatus?>(nil)
        self.pid = pid
        self.exit = exit
        Thread { Self.reap(pid, into: exit) }.start()
    }

    deinit {
        send(SIGKILL)
    }

    /// The exit status if the process has ended.
    package var exitStatus: ExitStatus? {
        exit.withLock { $0 }
    }

    /// Sends a signal, unless the process has ended: then its pid may already name another one.
    package func send(_ signal: Int32) {
        exit.withLock { status in
            guard status == nil else { return }
            kill(pid, signal)
        }
    }

    /// Waits for the process's end; `nil` if it still runs at the deadline.
    package func waitForExit(until deadline: Deadline) -> ExitStatus? {
        exit.wait(until: deadline) { $0 }
    }

    /// Waits without reaping, then reaps under the lock that `send` takes, so that no signal can hit a reused pid.
    private static func reap(_ pid: Int32, into exit: Monitor<ExitStatus?>) {
        var information = siginfo_t()
        while waitid(P_PID, id_t(pid), &information, WEXITED | WNOWAIT) == -1 && errno == EINTR {}
        exit.withLock { exit in
            var status: Int32 = 0
            while waitpid(pid, &status, 0) == -1 && errno == EINTR {}
            exit = ExitStatus(waitStatus: status)
        }
    }
}
