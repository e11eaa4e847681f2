internal import NIOCore

/// Puts a frame together, member by member.
///
/// `Key` lists the members that the message knows.
struct FrameWriter<Key: RawRepresentable<UInt64>> {
    /// The greatest value of a variable-length integer (RFC 9000 §16).
    static var maximumInteger: UInt64 { (1 << 62) - 1 }

    private var payload: ByteBuffer

    init(allocator: ByteBufferAllocator) {
        payload = allocator.buffer(capacity: 64)
    }

    /// - Parameter integer: 0 to ``maximumInteger``.
    mutating func write(_ integer: UInt64, for key: Key) {
        precondition(integer <= Self.maximumInteger, "an integer of ours has more than 62 bits")
        payload.writeEncodedInteger(key.rawValue, strategy: .quic)
        // With a hint of one byte, the length takes as little room as it can.
        payload.writeLengthPrefixed(strategy: .quic(requiredBytesHint: .one)) { buffer in
            buffer.writeEncodedInteger(integer, strategy: .quic)
        }
    }

    mutating func write(_ text: String, for key: Key) {
        payload.writeEncodedInteger(key.rawValue, strategy: .quic)
        payload.writeLengthPrefixedString(text, strategy: .quic)
    }

    mutating func write(_ bytes: [UInt8], for key: Key) {
        payload.writeEncodedInteger(key.rawValue, strategy: .quic)
        payload.writeLengthPrefixedBytes(bytes, strategy: .quic)
    }

    /// The whole frame as it goes on the wire.
    func encoded(type: UInt64, allocator: ByteBufferAllocator) -> ByteBuffer {
        Frame(type: type, payload: payload).encoded(allocator: allocator)
    }
}
