internal import CScheduling
internal import NIOCore

/// How long a thread may go on, on a processor that others want too, before it is their turn: the slice that Linux's
/// scheduler (EEVDF) reckons with.
///
/// A bulk relay keeps four programs busy: both daemons, the visitor and the target. Where they share two processors, a ping
/// beside bulk waits less long with slices of 10 ms than with Linux's 1.4, and the bulk is faster. Benchmarks/README.md,
/// "Where the time goes", has by how much, and that others who want the processor wait no longer.
enum TimeSlice {
    /// For the thread of the data path.
    static let ofDataPath = TimeAmount.milliseconds(10)

    /// Asks for a slice of this length for the calling thread, and for those that it starts from then on.
    ///
    /// - Parameter length: 100 µs to 100 ms.
    /// - Returns: whether the kernel took it, though one before Linux 6.12 then ignores it; if not, all is as it was.
    @discardableResult
    static func request(_ length: TimeAmount) -> Bool {
        warp_scheduling_set_slice(UInt64(clamping: length.nanoseconds)) == 0
    }
}
