package import NIOCore

/// How many lines of one kind may go to the log: what strangers can bring about must not fill a disk.
///
/// A bucket of lines, filled at a steady rate. Owned by whoever logs.
package struct LogBudget: Hashable, Sendable {
    private let maximum: Int64
    private let interval: TimeAmount
    private var available: Int64
    private var filledAt: NIODeadline

    /// - Parameters:
    ///   - maximum: the lines that may come at once, 1 or more.
    ///   - interval: the time after which another one may, above zero.
    package init(maximum: Int64 = 20, interval: TimeAmount = .milliseconds(500), now: NIODeadline) {
        self.maximum = maximum
        self.interval = interval
        available = maximum
        filledAt = now
    }

    /// Takes a line out of the budget.
    ///
    /// - Returns: whether there was one.
    package mutating func take(now: NIODeadline) -> Bool {
        let earned = (now - filledAt).nanoseconds / interval.nanoseconds
        if earned > 0 {
            available = min(maximum, available + min(earned, maximum))
            filledAt = filledAt + .nanoseconds(earned * interval.nanoseconds)
        }
        guard available > 0 else { return false }
        available -= 1
        return true
    }
}
