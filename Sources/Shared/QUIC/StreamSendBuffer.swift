internal import CQuic
internal import NIOCore

/// The bytes of one stream on their way out: handed to ngtcp2 without a copy, kept until they are acknowledged.
///
/// ```
///   acknowledged ─── in flight ─── unsent ─── end
///                    first chunk's first byte = acknowledgedOffset
/// ```
struct StreamSendBuffer {
    // A ByteBuffer's bytes lie in one heap block that its storage object owns. The chunk keeps that object alive and
    // never writes to it, so `base` is valid for as long as the chunk is held: until the bytes are acknowledged.
    private struct Chunk {
        let buffer: ByteBuffer
        let base: UnsafeMutablePointer<UInt8>
        let count: Int
    }

    /// How many pieces one packet may be gathered from.
    static let maximumVectors = 16
    /// What holding a piece costs, however short it is: the buffer's storage object, its heap block, the chunk; in bytes.
    static let minimumChunkBytes = 128

    // An idle stream has none: it begins small.
    private var chunks = CircularBuffer<Chunk>(initialCapacity: 1)
    /// The stream offset of the first held byte.
    private(set) var acknowledgedOffset: UInt64 = 0
    /// The offset of the first byte of the first chunk; at most `acknowledgedOffset`.
    private var chunksOffset: UInt64 = 0
    private(set) var sentOffset: UInt64 = 0
    private(set) var endOffset: UInt64 = 0
    // Where the unsent bytes begin.
    private var unsentChunk = 0
    private var unsentInChunk = 0

    /// Bytes that ngtcp2 has not taken yet.
    var unsentBytes: Int { Int(endOffset - sentOffset) }

    /// What the unsent bytes cost, in bytes of memory: more than they are where they come one by one.
    var unsentCostBytes: Int { max(unsentBytes, (chunks.count - unsentChunk) * Self.minimumChunkBytes) }

    /// Whether the peer has every byte.
    var isEverythingAcknowledged: Bool { acknowledgedOffset == endOffset }

    mutating func append(_ buffer: ByteBuffer) {
        let count = buffer.readableBytes
        guard count > 0 else { return }
        buffer.withUnsafeReadableBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            let mutable = UnsafeMutableRawPointer(mutating: base).assumingMemoryBound(to: UInt8.self)
            chunks.append(Chunk(buffer: buffer, base: mutable, count: count))
        }
        endOffset += UInt64(count)
    }

    /// Writes the first unsent pieces to `vectors`, at most as many as there is room for and enough for `bytes` bytes.
    /// - Returns: how many pieces were written, and whether they are all that is unsent.
    func unsentVectors(_ vectors: UnsafeMutableBufferPointer<ngtcp2_vec>, bytes: Int) -> (count: Int, areAll: Bool) {
        var written = 0
        var gathered = 0
        var chunk = unsentChunk
        var offset = unsentInChunk
        while chunk < chunks.count, written < vectors.count, gathered < bytes {
            let piece = chunks[offset: chunk]
            vectors[written] = ngtcp2_vec(base: piece.base + offset, len: piece.count - offset)
            gathered += piece.count - offset
            written += 1
            chunk += 1
            offset = 0
        }
        return (written, chunk == chunks.count)
    }

    /// ngtcp2 has taken the first `count` unsent bytes.
    mutating func advanceSent(_ count: Int) {
        sentOffset += UInt64(count)
        var rest = count
        while rest > 0 {
            let left = chunks[offset: unsentChunk].count - unsentInChunk
            if rest < left {
                unsentInChunk += rest
                return
            }
            rest -= left
            unsentChunk += 1
            unsentInChunk = 0
        }
    }

    /// Every byte before `offset` has reached the peer: lets go of what held it.
    mutating func acknowledge(upTo offset: UInt64) {
        guard offset > acknowledgedOffset else { return }
        acknowledgedOffset = min(offset, sentOffset)
        while let first = chunks.first, chunksOffset + UInt64(first.count) <= acknowledgedOffset {
            chunksOffset += UInt64(first.count)
            chunks.removeFirst()
            unsentChunk -= 1
        }
    }

    /// Forgets what ngtcp2 has not taken; for a stream whose sending part was abandoned.
    mutating func discardUnsent() {
        endOffset = sentOffset
        if unsentInChunk > 0 {
            unsentChunk += 1  // the piece that is partly in flight stays
            unsentInChunk = 0
        }
        if unsentChunk < chunks.count {
            chunks.removeLast(chunks.count - unsentChunk)
        }
    }
}

extension CircularBuffer {
    fileprivate subscript(offset offset: Int) -> Element {
        self[index(startIndex, offsetBy: offset)]
    }
}
