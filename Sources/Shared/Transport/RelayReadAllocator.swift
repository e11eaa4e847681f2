internal import NIOCore

/// Buffers for the reads of one relay's channel: as large as what its peer sends at once, up to the ``ReadAllowance``.
///
/// SwiftNIO's own allocator ends at 64 KB, and leaves the channel a pool of its largest buffers for as long as it is open.
/// With this one, and one read a turn, the channel keeps none.
struct RelayReadAllocator: RecvByteBufferAllocator {
    /// In bytes, a power of two.
    private static let smallestBytes = 2048
    /// By how much a read that was filled makes the next one larger.
    private static let growth = 4

    private let limit: NIOLoopBoundBox<Int>
    // The next read's size: what the larger of the last two reads asks for.
    private var wantedBytes: Int
    private var latestNeed: Int

    /// - Parameter bytes: what the last read had, which filled its buffer.
    init(after bytes: Int, limit: NIOLoopBoundBox<Int>) {
        self.limit = limit
        latestNeed = bytes * Self.growth
        wantedBytes = latestNeed
    }

    private var offeredBytes: Int { min(wantedBytes, limit.value) }

    func buffer(allocator: ByteBufferAllocator) -> ByteBuffer {
        allocator.buffer(capacity: offeredBytes)
    }

    mutating func record(actualReadBytes: Int) -> Bool {
        let need = actualReadBytes < offeredBytes ? actualReadBytes : actualReadBytes * Self.growth
        wantedBytes = max(Self.smallestBytes, need, latestNeed)
        latestNeed = need
        return true  // SwiftNIO takes it for “a larger one comes next”, and does not keep the buffer for that
    }
}
