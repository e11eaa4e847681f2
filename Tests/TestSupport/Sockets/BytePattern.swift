import Glibc

/// A long run of bytes that both ends can make for themselves: what arrives is compared byte for byte, and the first
/// wrong one is named by its offset. Stronger than a checksum, and as fast as `memcmp` in a debug build too.
///
/// The run consists of blocks of 64 KiB. Each is the same random block, rotated by an amount that is different for every
/// block index below 65,536 (so up to 4 GiB): lost, repeated and swapped blocks show.
package struct BytePattern: Sendable {
    private static let blockBytes = 65_536
    /// Odd, so that multiples of it modulo the block size do not repeat.
    private static let rotationStep = 40_503

    /// The length of the whole run.
    package let byteCount: Int
    /// The random block, twice in a row, so that each rotation of it is one contiguous piece.
    private let doubledBlock: [UInt8]

    package init(byteCount: Int, seed: UInt64) {
        self.byteCount = byteCount
        var generator = SplitMix64(state: seed)
        var block: [UInt8] = []
        block.reserveCapacity(Self.blockBytes * 2)
        while block.count < Self.blockBytes {
            withUnsafeBytes(of: generator.next()) { block.append(contentsOf: $0) }
        }
        doubledBlock = block + block
    }

    /// The bytes from `offset` on, at most `count` of them.
    package func bytes(at offset: Int, count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        forEachPiece(at: offset, count: min(count, byteCount - offset)) { piece in
            bytes.append(contentsOf: piece)
            return true
        }
        return bytes
    }

    /// The offset of the first byte of `received` that differs from the run, if any; `received` starts at `offset`.
    package func firstMismatch(in received: UnsafeRawBufferPointer, at offset: Int) -> Int? {
        var position = 0
        let matches = forEachPiece(at: offset, count: received.count) { piece in
            let part = UnsafeRawBufferPointer(rebasing: received[position..<position + piece.count])
            guard let left = piece.baseAddress, let right = part.baseAddress else { return true }
            guard memcmp(left, right, piece.count) == 0 else { return false }
            position += piece.count
            return true
        }
        guard !matches else { return nil }
        let expected = bytes(at: offset + position, count: received.count - position)
        let difference = zip(expected, received[position...]).enumerated().first { $1.0 != $1.1 }
        return offset + position + (difference?.offset ?? expected.count)
    }

    /// Calls `body` with the pieces that make up a part of the run, in order, until it returns `false`.
    @discardableResult
    private func forEachPiece(at offset: Int, count: Int, _ body: (UnsafeRawBufferPointer) -> Bool) -> Bool {
        doubledBlock.withUnsafeBytes { block in
            var position = offset
            let end = offset + count
            while position < end {
                let index = position / Self.blockBytes
                let within = position % Self.blockBytes
                let length = min(Self.blockBytes - within, end - position)
                let start = index * Self.rotationStep % Self.blockBytes + within
                guard body(UnsafeRawBufferPointer(rebasing: block[start..<start + length])) else { return false }
                position += length
            }
            return true
        }
    }
}

/// A small random generator with a seed, so that a failed run can be repeated (Steele, Lea and Flood 2014).
package struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    package init(state: UInt64) {
        self.state = state
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
