import Foundation

/// A task executor whose jobs may block: each runs on a thread of its own, taken from a pool that grows as needed.
///
/// End-to-end tests speak to real processes with blocking calls. On Swift's cooperative pool, which has one thread a
/// core, a few such calls would stop every other test; here they only cost a sleeping thread. The number of threads is
/// bounded by what the tests run at once; an idle thread leaves after a few seconds.
package final class BlockingExecutor: TaskExecutor {
    package static let shared = BlockingExecutor()

    private struct Queue: Sendable {
        var jobs: [UnownedJob] = []
        var idleThreads = 0
    }

    private static let idleTime = Duration.seconds(5)
    private let queue = Monitor(Queue())

    private init() {}

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let needsThread = queue.withLock { queue in
            queue.jobs.append(job)
            return queue.jobs.count > queue.idleThreads
        }
        if needsThread {
            Thread { self.work() }.start()
        }
    }

    private func work() {
        while let job = nextJob() {
            job.runSynchronously(on: asUnownedTaskExecutor())
        }
    }

    /// The next job; `nil` when none came for a while and the thread shall end.
    private func nextJob() -> UnownedJob? {
        queue.withLock { $0.idleThreads += 1 }
        let job = queue.wait(until: .after(Self.idleTime)) { queue -> UnownedJob? in
            guard !queue.jobs.isEmpty else { return nil }
            queue.idleThreads -= 1
            return queue.jobs.removeFirst()
        }
        guard job == nil else { return job }
        return queue.withLock { queue in
            queue.idleThreads -= 1
            // A job may have come between the end of the wait and this lock, counting on this thread.
            return queue.jobs.isEmpty ? nil : queue.jobs.removeFirst()
        }
    }
}
