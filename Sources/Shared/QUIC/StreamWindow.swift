internal import NIOCore

/// The receive window of one stream: what its reader's progress is worth in credit (RFC 9000 §4.1).
///
/// A stalled stream keeps the window it has; one that is read so quickly that its sender would wait for credit gets a
/// larger one, up to a limit. ngtcp2 0.12 can do that by itself (`max_stream_window`), but when MAX_STREAM_DATA does not
/// fit into a packet it sends it in a later one without remembering what it promised, and ends the connection with
/// FLOW_CONTROL_ERROR when the peer makes use of it; under loss that happens within seconds.
struct StreamWindow: Equatable {
    private(set) var byteCount: Int
    private let initialByteCount: Int
    private let maximumByteCount: Int
    private var consumedInStep = 0
    private var stepBegan: QUICTime?

    init(byteCount: Int, maximumByteCount: Int) {
        self.byteCount = byteCount
        initialByteCount = byteCount
        self.maximumByteCount = max(byteCount, maximumByteCount)
    }

    /// How much larger the window is than it was at first.
    var grownBytes: Int { byteCount - initialByteCount }

    /// The reader is done with `count` more bytes: how many more the peer may send.
    ///
    /// The window doubles when half of it went in less than two round trips.
    ///
    /// - Parameter most: by how much it may grow now, in bytes; what streams that stall hold of their windows is not there
    ///   for others.
    mutating func credit(for count: Int, growingAtMost most: Int, now: QUICTime, roundTrip: TimeAmount) -> Int {
        consumedInStep += count
        guard consumedInStep >= byteCount / 2 else { return count }
        consumedInStep = 0
        let isQuick = stepBegan.map { now < $0 + roundTrip + roundTrip } ?? false
        stepBegan = now
        guard isQuick else { return count }
        let growth = max(0, min(byteCount, maximumByteCount - byteCount, most))
        byteCount += growth
        return count + growth
    }
}
