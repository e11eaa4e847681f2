import Foundation
import Glibc

/// Starts processes, all from one thread that lives as long as the tests.
///
/// The kernel's death signal (see `SpawnRequest`) fires when the *thread* that started a process ends, so no thread of
/// a pool may start one.
final class ProcessSpawner: Sendable {
    static let shared = ProcessSpawner()

    private struct Order: Sendable {
        let request: SpawnRequest
        let reply: Monitor<Result<Int32, ProcessError>?>
    }

    private let orders = Monitor<[Order]>([])

    private init() {
        Thread { self.work() }.start()
    }

    /// Starts the process and returns its pid.
    func spawn(_ request: SpawnRequest) throws -> Int32 {
        let order = Order(request: request, reply: Monitor(nil))
        orders.withLock { $0.append(order) }
        guard let result = order.reply.wait(until: .after(Deadline.patience), for: { $0 }) else {
            throw ProcessError.cannotStart(
                path: request.executable,
                errno: ETIMEDOUT,
                text: "the spawner does not answer"
            )
        }
        return try result.get()
    }

    private func work() {
        while true {
            let order = orders.wait(until: .after(.seconds(3600))) { $0.isEmpty ? nil : $0.removeFirst() }
            guard let order else { continue }
            let result = Self.start(order.request)
            order.reply.withLock { $0 = result }
        }
    }

    private static func start(_ request: SpawnRequest) -> Result<Int32, ProcessError> {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, request.standardOutput, STDOUT_FILENO)
        posix_spawn_file_actions_adddup2(&actions, request.standardError, STDERR_FILENO)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // The child starts with no signal blocked or ignored, whatever the test process did to its own.
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        let words = request.commandLine
        var pid = pid_t()
        let code = withCStringArray(words) { arguments in
            withCStringArray(request.environment.map { "\($0)=\($1)" }) { environment in
                DescriptorInheritance.whileStarting {
                    posix_spawn(&pid, words[0], &actions, &attributes, arguments, environment)
                }
            }
        }
        guard code == 0 else {
            let text = String(cString: strerror(code))
            return .failure(.cannotStart(path: request.executable, errno: code, text: text))
        }
        return .success(pid)
    }

    /// Calls `body` with a `NULL`-terminated array of copies of `strings`, which live as long as the call.
    private static func withCStringArray<Result>(
        _ strings: [String],
        _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        var pointers = strings.map { strdup($0) }
        pointers.append(nil)
        defer { pointers.forEach { free($0) } }
        return pointers.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { preconditionFailure("the array holds at least its end") }
            return body(base)
        }
    }
}
