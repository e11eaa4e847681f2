internal import NIOCore

/// Buffers for the reads of one relay's channel: as large as what its peer sends at once, up to the ``ReadAllowance``.
///
/// SwiftNIO's own allocator ends at 64 KB, and each of its buffers, grown to the size of the largest read, stays with the
/// channel for as long as it is open. With this one the channel keeps the first buffer that it had, of 2 KB, and no other:
/// its pool has room for one, since it reads once a turn.
struct RelayReadAllocator: RecvByteBufferAllocator {
    private static let smallestBytes = 2048
    /// By how much a read that was filled makes the next one larger.
    private static let growth = 4

    private let limit: NIOLoopBoundBox<Int>
    // What the last two reads ask the next one to have room for, in bytes: powers of two, as SwiftNIO's buffers are.
    private var needs: (earlier: Int, latest: Int)

    /// - Parameters:
    ///   - bytes: what the last read had, which filled its buffer.
    ///   - limit: in bytes, a power of two.
    init(after bytes: Int, limit: NIOLoopBoundBox<Int>) {
        self.limit = limit
        needs = (0, Self.need(for: bytes * Self.growth))
    }

    private var offeredBytes: Int { min(max(needs.earlier, needs.latest), limit.value) }

    func buffer(allocator: ByteBufferAllocator) -> ByteBuffer {
        allocator.buffer(capacity: offeredBytes)
    }

    /// - Returns: true, for SwiftNIO to ask for a buffer each time: else it reads into the one that it has kept.
    mutating func record(actualReadBytes: Int) -> Bool {
        let isFilled = actualReadBytes == offeredBytes
        needs = (needs.latest, Self.need(for: isFilled ? actualReadBytes * Self.growth : actualReadBytes))
        return true
    }

    private static func need(for count: Int) -> Int {
        count <= smallestBytes ? smallestBytes : 1 << (Int.bitWidth - (count - 1).leadingZeroBitCount)
    }
}
