package import NIOCore

/// What the listener sends first on every stream of the original's protocol (`hq-29`).
///
/// ```
///   0                                                            1023
///  +-------------------------------------------------+---------------+
///  | {id}|{host}:{port}             UTF-8            | zero bytes …  |
///  +-------------------------------------------------+---------------+
/// ```
///
/// For example `0-0|[::1]:80` is `30 2d 30 7c 5b 3a 3a 31 5d 3a 38 30` and 1,012 zero bytes.
package struct OriginalStreamHeader: Hashable, Sendable {
    /// The size on the wire, in bytes.
    package static let byteCount = 1024

    /// `{connection number}-{stream index}`: for logs alone.
    package let relayID: String
    package let target: TargetAddress

    /// - Parameter relayID: at most 64 bytes, without `|`.
    package init(relayID: String, target: TargetAddress) {
        precondition(relayID.utf8.count <= 64 && !relayID.contains("|"), "our own relay IDs are short and plain")
        self.relayID = relayID
        self.target = target
    }

    /// Reads a header, as the original does: NUL bytes are dropped wherever they stand, and there is exactly one `|`.
    ///
    /// - Parameter bytes: exactly ``byteCount`` bytes.
    /// - Throws: ``OriginalStreamHeaderError``
    package init(decoding bytes: ByteBuffer) throws(OriginalStreamHeaderError) {
        guard bytes.readableBytes == Self.byteCount else { throw .wrongLength }
        let text = bytes.readableBytesView.filter { $0 != 0 }
        guard let decoded = String(validating: text, as: UTF8.self) else { throw .notUTF8 }
        let parts = decoded.split(separator: "|", omittingEmptySubsequences: false)
        guard parts.count == 2 else { throw .notTwoParts }
        do {
            target = try TargetAddress(legacyText: String(parts[1]))
        } catch {
            throw .badTarget(error)
        }
        relayID = String(parts[0])
    }

    /// The header as it goes on the wire: ``byteCount`` bytes.
    package func encoded(allocator: ByteBufferAllocator) -> ByteBuffer {
        var buffer = allocator.buffer(capacity: Self.byteCount)
        buffer.writeString("\(relayID)|\(target.legacyText)")
        precondition(buffer.readableBytes <= Self.byteCount, "a target is at most 253 bytes and a port")
        buffer.writeRepeatingByte(0, count: Self.byteCount - buffer.readableBytes)
        return buffer
    }
}

/// Why a stream's header cannot be followed.
package enum OriginalStreamHeaderError: Error, Hashable, Sendable {
    case wrongLength
    case notUTF8
    case notTwoParts
    case badTarget(TargetAddressError)
}
