package import NIOCore

/// Decides in which pieces the bytes of a stream are written to a TCP channel that may be behind.
///
/// Each write that waits costs a buffer of its own and a promise. So pieces that come while others wait, and are too small
/// for that, are gathered: a peer who sends byte by byte to a reader that stalls costs hardly more than the bytes.
package struct WriteGatherer {
    /// What is worth a write of its own while others wait, in bytes.
    package static let writeBytes = 16 * 1024

    private var gathered = ByteBuffer()
    /// Bytes that were given out to be written, and are not yet.
    private var pendingBytes = 0

    package init() {}

    /// Whether TCP has taken everything.
    package var isEmpty: Bool { pendingBytes == 0 }

    /// Takes what arrived.
    ///
    /// - Returns: what to write now; nil while it waits for ``wrote(_:)`` or for more.
    package mutating func add(_ bytes: ByteBuffer) -> ByteBuffer? {
        if isEmpty || (gathered.readableBytes == 0 && bytes.readableBytes >= Self.writeBytes) {
            pendingBytes += bytes.readableBytes
            return bytes
        }
        gathered.writeImmutableBuffer(bytes)
        return gathered.readableBytes < Self.writeBytes ? nil : takeGathered()
    }

    /// TCP has taken `count` bytes of what was given out.
    ///
    /// - Returns: what to write next.
    package mutating func wrote(_ count: Int) -> ByteBuffer? {
        pendingBytes -= count
        return isEmpty && gathered.readableBytes > 0 ? takeGathered() : nil
    }

    private mutating func takeGathered() -> ByteBuffer {
        defer { gathered = ByteBuffer() }
        pendingBytes += gathered.readableBytes
        return gathered
    }
}
