import Foundation

/// State that threads share and wait on: one lock, one condition, and waits that end at a deadline.
package final class Monitor<State: Sendable>: @unchecked Sendable {
    // Proof of Sendable: `state` is read and written only between `lock()` and `unlock()` of `condition`.
    private let condition = NSCondition()
    private var state: State

    package init(_ state: State) {
        self.state = state
    }

    /// Runs `body` under the lock, then wakes every waiter so that it looks again.
    package func withLock<Result>(_ body: (inout State) throws -> Result) rethrows -> Result {
        condition.lock()
        defer {
            condition.broadcast()
            condition.unlock()
        }
        return try body(&state)
    }

    /// Waits until `body` returns a value and returns it, or `nil` once the deadline has passed.
    package func wait<Result>(until deadline: Deadline, for body: (inout State) -> Result?) -> Result? {
        condition.lock()
        defer { condition.unlock() }
        while true {
            if let result = body(&state) { return result }
            guard !deadline.hasPassed else { return nil }
            _ = condition.wait(until: Date(timeIntervalSinceNow: deadline.remainingSeconds))
        }
    }
}
