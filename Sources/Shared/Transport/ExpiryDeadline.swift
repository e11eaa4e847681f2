internal import NIOCore

/// When a connection's expiry is to be handled: not before a granularity has passed since it was learnt.
///
/// The time counts from the drive that brought the expiry up, not from when some timer was set: a timer that was set for an
/// earlier one and fires now finds that this one is not due yet. Without that, a timer that fires every few milliseconds
/// would send a bare acknowledgement whenever it happens to meet a message whose answer is on its way.
struct ExpiryDeadline: Equatable {
    private var expiry: QUICTime?
    /// Nil while there is none.
    private(set) var instant: QUICTime?

    /// The connection was driven.
    ///
    /// - Parameters:
    ///   - expiry: its ``QUICConnection/expiry``. One that stays the same keeps its deadline, or gets an earlier one; and so
    ///     does one that is overdue by a granularity: ngtcp2 reckons that of a lost packet anew with each round trip.
    ///   - granularity: the least time from `now` to a new deadline, above zero.
    mutating func follow(_ expiry: QUICTime?, granularity: TimeAmount, now: QUICTime) {
        guard let expiry else {
            self = ExpiryDeadline()
            return
        }
        let latest = max(expiry, now + granularity)
        if let instant, expiry == self.expiry || expiry + granularity <= now {
            self.instant = min(instant, latest)
        } else {
            instant = latest
        }
        self.expiry = expiry
    }

    /// Whether the expiry is to be handled now. If so, the next drive sets a new deadline, be the expiry the same or not.
    mutating func take(now: QUICTime) -> Bool {
        guard let instant, instant <= now else { return false }
        self = ExpiryDeadline()
        return true
    }
}
