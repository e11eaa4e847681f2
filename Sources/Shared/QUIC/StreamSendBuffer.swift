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
    // never writes to it, so `bytes` are valid for as long as the chunk is held: until they are acknowledged.
    private struct Chunk {
        let buffer: ByteBuffer
        let bytes: ngtcp2_vec
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
    /// What the chunks with unsent bytes take up, whole: a chunk lies in memory until its last byte is acknowledged.
    private(set) var unsentStorageBytes = 0
    private(set) var endOffset: UInt64 = 0
    // The chunk in which the unsent bytes begin, and what of it is unsent: most packets need no more of one chunk. No bytes
    // when there is no such chunk.
    private var unsentChunk = 0
    private var unsentPiece = ngtcp2_vec()

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
            let chunk = Chunk(buffer: buffer, bytes: ngtcp2_vec(base: mutable, len: count))
            if unsentChunk == chunks.count {
                unsentPiece = chunk.bytes
            }
            chunks.append(chunk)
        }
        unsentStorageBytes += buffer.storageCapacity
        endOffset += UInt64(count)
    }

    /// Writes the first unsent pieces to `vectors`, at most as many as there is room for and enough for `bytes` bytes.
    /// - Returns: how many pieces were written, and whether they are all that is unsent.
    func unsentVectors(_ vectors: UnsafeMutableBufferPointer<ngtcp2_vec>, bytes: Int) -> (count: Int, areAll: Bool) {
        guard unsentPiece.len > 0 else { return (0, true) }
        vectors[0] = unsentPiece
        var written = 1
        var gathered = unsentPiece.len
        while unsentChunk + written < chunks.count, written < vectors.count, gathered < bytes {
            let next = chunks[offset: unsentChunk + written].bytes
            vectors[written] = next
            written += 1
            gathered += next.len
        }
        return (written, unsentChunk + written == chunks.count)
    }

    /// ngtcp2 has taken the first `count` unsent bytes.
    mutating func advanceSent(_ count: Int) {
        precondition(count <= unsentBytes, "more was taken than there is")
        sentOffset += UInt64(count)
        var rest = count
        while rest > 0, rest >= unsentPiece.len {
            rest -= unsentPiece.len
            unsentStorageBytes -= chunks[offset: unsentChunk].buffer.storageCapacity
            unsentChunk += 1
            unsentPiece = unsentChunk < chunks.count ? chunks[offset: unsentChunk].bytes : ngtcp2_vec()
        }
        unsentPiece.base? += rest
        unsentPiece.len -= rest
    }

    /// Every byte before `offset` has reached the peer: lets go of what held it.
    mutating func acknowledge(upTo offset: UInt64) {
        guard offset > acknowledgedOffset else { return }
        acknowledgedOffset = min(offset, sentOffset)
        while let first = chunks.first, chunksOffset + UInt64(first.bytes.len) <= acknowledgedOffset {
            chunksOffset += UInt64(first.bytes.len)
            chunks.removeFirst()
            unsentChunk -= 1
        }
    }

    /// Forgets what ngtcp2 has not taken; for a stream whose sending part was abandoned.
    mutating func discardUnsent() {
        endOffset = sentOffset
        if unsentPiece.len > 0, unsentPiece.len < chunks[offset: unsentChunk].bytes.len {
            unsentChunk += 1  // the chunk that is partly in flight stays
        }
        unsentPiece = ngtcp2_vec()
        unsentStorageBytes = 0
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
