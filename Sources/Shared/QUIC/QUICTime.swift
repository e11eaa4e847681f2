package import NIOCore

/// An instant on the monotonic clock that drives a QUIC connection, in nanoseconds.
///
/// The QUIC layer never reads a clock: whoever drives it passes `now`, so that tests run in virtual time.
package struct QUICTime: Hashable, Comparable, Sendable {
    /// Nanoseconds since an arbitrary origin, the same for every value that meets another one.
    package let nanoseconds: UInt64

    package init(nanoseconds: UInt64) {
        self.nanoseconds = nanoseconds
    }

    package static func < (left: QUICTime, right: QUICTime) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    /// The instant `amount` later; saturates at both ends of the range.
    package static func + (time: QUICTime, amount: TimeAmount) -> QUICTime {
        if amount.nanoseconds < 0 {
            let back = amount.nanoseconds.magnitude
            return QUICTime(nanoseconds: time.nanoseconds > back ? time.nanoseconds - back : 0)
        }
        let (sum, overflow) = time.nanoseconds.addingReportingOverflow(UInt64(amount.nanoseconds))
        return QUICTime(nanoseconds: overflow ? .max : sum)
    }
}
