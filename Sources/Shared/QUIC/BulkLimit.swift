internal import NIOCore

/// How much may be in flight for bulk streams to go on while messages (see ``SendQueue``) are sent beside them.
///
/// A message overtakes what waits to be sent, but not what is in flight. BBR lets go of twice what the path holds, and as much
/// again as acknowledgements have brought in one heap: megabytes, where the peer shares its processors with others. All of it
/// that the path does not hold stands in a queue, at last in the peer's socket, and the message waits for its end.
///
/// So beside messages bulk waits while more is in flight than a path of 10 Gbit/s holds in the connection's shortest round
/// trip (its bandwidth-delay product). It has a price where acknowledgements take much longer than that: bulk comes to the
/// limit for each acknowledgement, not for each shortest round trip. Where both ends are on one machine, and fast only as
/// long as neither waits for the other, that is a quarter to two fifths.
struct BulkLimit: Equatable {
    /// For so long after a message others are expected.
    static let messageTime = TimeAmount.milliseconds(100)
    /// What two ends on one machine need so as not to wait for each other all the time: two runs of datagrams.
    static let minimumBytes = 128 * 1024
    // 10 Gbit/s.
    private static let bytesPerMicrosecond: Int64 = 1250

    /// Until when messages are expected; zero before the first.
    private(set) var messagesUntil = QUICTime(nanoseconds: 0)

    /// Messages are sent.
    mutating func sawMessage(now: QUICTime) {
        messagesUntil = now + Self.messageTime
    }

    /// Whether bulk waits for messages at all.
    func isInForce(now: QUICTime) -> Bool { now <= messagesUntil }

    /// The bytes in flight from which on bulk waits while the limit is in force.
    ///
    /// - Parameters:
    ///   - shortest: the connection's shortest round trip.
    ///   - smoothed: the smoothed one (RFC 9002 §5.3): an eighth of it counts where that is longer, as on a path that has
    ///     become longer than it ever was.
    static func bytesInFlight(shortest: TimeAmount, smoothed: TimeAmount) -> Int {
        let roundTrip = max(shortest.nanoseconds, smoothed.nanoseconds / 8)
        let (product, overflow) = (roundTrip / 1000).multipliedReportingOverflow(by: bytesPerMicrosecond)
        return overflow ? .max : max(minimumBytes, Int(product))
    }
}
