internal import CScheduling
internal import NIOCore

/// How long a thread may go on, on a processor that others want too, before it is their turn.
///
/// A bulk relay keeps four programs busy: both daemons, the visitor and the target. Where they share fewer processors, each
/// goes on for 1.4 ms (Linux on two), while the queues of the others fill, and a packet waits for several such turns. With
/// longer ones a daemon empties its queue in one go: a ping beside bulk on loopback, two processors, had its p99 fall by 40 %,
/// and the bulk was 7 to 15 % faster. Others need not wait longer for that: whoever has shorter turns may interrupt one of
/// these (Linux's scheduler, EEVDF: `PREEMPT_SHORT`).
enum TimeSlice {
    /// For the thread of the data path.
    static let ofDataPath = TimeAmount.milliseconds(10)

    /// Asks for turns of this length for the calling thread. Older kernels ignore it, and one that refuses leaves all as it
    /// was.
    ///
    /// - Parameter length: 100 µs to 100 ms.
    static func request(_ length: TimeAmount) {
        _ = warp_scheduling_set_slice(UInt64(clamping: length.nanoseconds))
    }
}
