internal import NIOCore

/// Durations as they go on the wire: in milliseconds, 0 to 2^31 - 1 (25 days), so that no sum with one overflows.
extension TimeAmount {
    private static let maximumMilliseconds: Int64 = (1 << 31) - 1

    /// - Parameter milliseconds: what is greater than 2^31 - 1 counts as that.
    init(wireMilliseconds milliseconds: UInt64) {
        self = .milliseconds(Int64(min(milliseconds, UInt64(Self.maximumMilliseconds))))
    }

    /// Rounded down; a negative duration is none.
    var wireMilliseconds: UInt64 {
        UInt64(min(max(nanoseconds / 1_000_000, 0), Self.maximumMilliseconds))
    }
}
