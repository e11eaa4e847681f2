import Glibc

/// Looks again and again at something that cannot wake a waiter: another process's memory, a remote list.
package enum Polling {
    private static let interval = Duration.milliseconds(20)

    /// Asks `condition` until it holds; `false` once `timeout` has passed without.
    package static func wait(timeout: Duration = Deadline.patience, until condition: () throws -> Bool) rethrows -> Bool
    {
        let deadline = Deadline.after(timeout)
        while true {
            if try condition() { return true }
            guard !deadline.hasPassed else { return false }
            pause()
        }
    }

    /// Waits until `value` has not changed for `quiet`, and returns it; `nil` if it still changes after `timeout`.
    package static func settledValue<Value: Equatable>(
        quiet: Duration,
        timeout: Duration,
        of value: () throws -> Value
    ) rethrows -> Value? {
        let deadline = Deadline.after(timeout)
        var last = try value()
        var settled = Deadline.after(quiet)
        while !deadline.hasPassed {
            pause()
            let current = try value()
            if current != last {
                last = current
                settled = .after(quiet)
            } else if settled.hasPassed {
                return last
            }
        }
        return nil
    }

    private static func pause() {
        usleep(UInt32(interval / .microseconds(1)))
    }
}
