internal import Synchronization

/// Calls back once, when the last of the things that a program awaits before it is ready has happened.
package final class Readiness<Part: Hashable & Sendable>: Sendable {
    private let missing: Mutex<Set<Part>>
    private let whenReady: @Sendable () -> Void

    /// - Parameters:
    ///   - parts: what is awaited; not empty.
    ///   - whenReady: called by whoever reports the last part.
    package init(awaiting parts: Set<Part>, whenReady: @escaping @Sendable () -> Void) {
        precondition(!parts.isEmpty, "nothing to wait for")
        missing = Mutex(parts)
        self.whenReady = whenReady
    }

    /// `part` has happened. Later reports of the same change nothing.
    package func reached(_ part: Part) {
        let isReady = missing.withLock { $0.remove(part) != nil && $0.isEmpty }
        if isReady {
            whenReady()
        }
    }
}
