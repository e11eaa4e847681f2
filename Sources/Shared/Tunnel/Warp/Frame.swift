package import NIOCore

/// The unit of everything that `warp/1` says in its own name, on whichever stream. Every integer is a variable-length one
/// (RFC 9000 §16).
///
/// ```
///   Frame {                             Member {
///     Type (i),                           Key (i),
///     Length (i),      bytes that follow  Length (i),      bytes that follow
///     Member (..) ...                     Value (..),
///   }                                   }
/// ```
///
/// For example `05 03 01 01 07` is a frame of type 5 with one member: 1, of one byte, 7.
package struct Frame: Hashable, Sendable {
    /// The greatest length of a payload: several times what the longest message needs, and no burden to whoever waits
    /// for the end of one.
    package static let maximumPayloadBytes = 4096

    /// 0 to 2^62 - 1; what it means depends on the stream.
    package let type: UInt64
    /// The members, one after another.
    package let payload: ByteBuffer

    package init(type: UInt64, payload: ByteBuffer) {
        self.type = type
        self.payload = payload
    }

    /// The frame as it goes on the wire.
    package func encoded(allocator: ByteBufferAllocator) -> ByteBuffer {
        precondition(payload.readableBytes <= Self.maximumPayloadBytes, "our own frames are within the bound")
        // One byte of type and two of length are all that our own messages take.
        var buffer = allocator.buffer(capacity: payload.readableBytes + 3)
        buffer.writeEncodedInteger(type, strategy: .quic)
        buffer.writeLengthPrefixedBuffer(payload, strategy: .quic)
        return buffer
    }
}
