package import NIOCore

/// How long to wait before the next try: exponential backoff with full jitter.
///
/// The n-th wait, n from 0, is uniform between nothing and min(``ceiling``, ``base`` × 2ⁿ). So a single loss is made
/// good at once, and a crowd that lost the same peer does not come back in step.
package struct Backoff: Hashable, Sendable {
    /// The ceiling of the first wait.
    package let base: TimeAmount
    /// What no wait exceeds.
    package let ceiling: TimeAmount
    /// What the wait that ``next(using:)`` gives next does not exceed.
    package private(set) var nextCeiling: TimeAmount
    /// What the wait that was given last did not exceed; zero before the first one and after ``reset()``.
    package private(set) var currentCeiling = TimeAmount.zero

    /// - Parameters:
    ///   - base: above zero.
    ///   - ceiling: above zero.
    package init(base: TimeAmount = .milliseconds(200), ceiling: TimeAmount = .seconds(30)) {
        precondition(base > .zero && ceiling > .zero, "a backoff that never waits")
        self.base = base
        self.ceiling = ceiling
        nextCeiling = min(base, ceiling)
    }

    /// The next wait, 0 to ``nextCeiling``; the one after it may be twice as long.
    package mutating func next(using generator: inout some RandomNumberGenerator) -> TimeAmount {
        currentCeiling = nextCeiling
        // Doubling stops at the ceiling: neither the sum nor a count of the waits can overflow.
        nextCeiling = nextCeiling < ceiling - nextCeiling ? nextCeiling + nextCeiling : ceiling
        return .nanoseconds(.random(in: 0...currentCeiling.nanoseconds, using: &generator))
    }

    /// Begins anew: the next wait is the first.
    package mutating func reset() {
        nextCeiling = min(base, ceiling)
        currentCeiling = .zero
    }
}
