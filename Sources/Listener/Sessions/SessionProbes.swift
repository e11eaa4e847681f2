import NIOCore
import Shared

/// The probes of one session that wait for an answer, and the round trip that the last answer measured.
///
/// Confined to the session's event loop.
struct SessionProbes {
    private struct Waiting {
        let sentAt: QUICTime
        let answer: ((Bool) -> Void)?
    }

    /// Further ones push out the oldest that nobody waits for: a connector that answers none is dead before long.
    private static let maximumCount = 16

    private var waiting: [UInt64: Waiting] = [:]
    private var lastNumber: UInt64 = 0
    /// What the last answer measured, the peer's own time to answer included.
    private(set) var roundTrip: TimeAmount?

    // Whoever waits for an answer is returned, not called: the call may come back here.

    /// Notes that a probe is being sent.
    ///
    /// - Parameter answer: to be called once, when one of the other methods returns it.
    /// - Returns: the probe's number.
    mutating func begin(at now: QUICTime, _ answer: ((Bool) -> Void)? = nil) -> UInt64 {
        if waiting.count >= Self.maximumCount, let oldest = waiting.filter({ $0.value.answer == nil }).keys.min() {
            waiting[oldest] = nil
        }
        lastNumber += 1
        waiting[lastNumber] = Waiting(sentAt: now, answer: answer)
        return lastNumber
    }

    /// The peer has answered a probe; a number that was not asked says nothing.
    mutating func answered(_ number: UInt64, at now: QUICTime) -> ((Bool) -> Void)? {
        guard let probe = waiting.removeValue(forKey: number) else { return nil }
        roundTrip = .nanoseconds(Int64(clamping: now.nanoseconds - min(now.nanoseconds, probe.sentAt.nanoseconds)))
        return probe.answer
    }

    /// Gives a probe up.
    mutating func expire(_ number: UInt64) -> ((Bool) -> Void)? {
        waiting.removeValue(forKey: number)?.answer
    }

    /// Gives every probe up.
    mutating func expireAll() -> [(Bool) -> Void] {
        defer { waiting.removeAll() }
        return waiting.values.compactMap(\.answer)
    }
}
