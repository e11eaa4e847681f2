package import NIOCore

/// Cuts the bytes of a stream into frames, however they arrive.
///
/// It holds what was appended and not yet read, so whoever reads frames until there is none holds one incomplete frame at
/// most: ``Frame/maximumPayloadBytes`` and at most 16 bytes of type and length.
package struct FrameReader: Sendable {
    private let maximumPayloadBytes: Int
    private var pending = ByteBuffer()

    /// - Parameter maximumPayloadBytes: what is longer is an error.
    package init(maximumPayloadBytes: Int = Frame.maximumPayloadBytes) {
        precondition(maximumPayloadBytes >= 0, "a bound is not negative")
        self.maximumPayloadBytes = maximumPayloadBytes
    }

    /// - Parameter bytes: what the stream brought next.
    package mutating func append(_ bytes: ByteBuffer) {
        guard pending.readableBytes > 0 else {
            pending = bytes
            return
        }
        pending.discardReadBytes()
        pending.writeImmutableBuffer(bytes)
    }

    /// - Returns: the next frame, or nil when more bytes are needed.
    /// - Throws: ``WarpCodingError/frameTooLong(bytes:)`` as soon as the length is known, and ever after: the stream
    ///   cannot be followed any more.
    package mutating func next() throws(WarpCodingError) -> Frame? {
        var rest = pending
        guard let type = rest.readEncodedInteger(as: UInt64.self, strategy: .quic),
            let length = rest.readEncodedInteger(as: UInt64.self, strategy: .quic)
        else {
            return nil
        }
        guard length <= UInt64(maximumPayloadBytes) else { throw .frameTooLong(bytes: length) }
        guard let payload = rest.readSlice(length: Int(length)) else { return nil }
        // An empty rest would keep the memory of all that came before it.
        pending = rest.readableBytes > 0 ? rest : ByteBuffer()
        return Frame(type: type, payload: payload)
    }

    /// What follows the frames that were read; the reader is empty afterwards.
    package mutating func takeRest() -> ByteBuffer {
        defer { pending = ByteBuffer() }
        return pending
    }
}
