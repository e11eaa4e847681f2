/// The moment at which a wait gives up.
///
/// Every wait of the test support library takes one, so that no test can hang. It rides on the monotonic clock.
package struct Deadline: Sendable {
    /// How long a daemon may take for one step: to start, to answer, to pass a byte on. Generous, because the machine
    /// is shared and builds may carry a sanitizer; a passing test never waits for it.
    package static let patience = Duration.seconds(30)

    private let instant: ContinuousClock.Instant

    /// A deadline that lies `duration` ahead of now.
    package static func after(_ duration: Duration) -> Deadline {
        Deadline(instant: .now.advanced(by: duration))
    }

    private init(instant: ContinuousClock.Instant) {
        self.instant = instant
    }

    /// The time left, never negative.
    package var remaining: Duration {
        max(.zero, ContinuousClock.now.duration(to: instant))
    }

    package var hasPassed: Bool {
        remaining == .zero
    }

    /// The time left in seconds, for interfaces that count so.
    package var remainingSeconds: Double {
        remaining / .seconds(1)
    }

    /// The time left for `poll(2)`, in milliseconds, rounded up so that the wait does not spin at its end.
    package var remainingPollMilliseconds: Int32 {
        Int32(min(Double(Int32.max), (remaining / .milliseconds(1)).rounded(.up)))
    }
}
