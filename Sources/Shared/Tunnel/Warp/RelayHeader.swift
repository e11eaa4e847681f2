package import NIOCore

/// What the listener sends first on a relay's stream of `warp/1`, ahead of the visitor's bytes.
///
/// `db.example:5432` as relay 7:
///
/// ```
///   01 13                                    TCP, 19 bytes
///   01 01 07                                 relay 7
///   02 0a 64 62 2e 65 78 61 6d 70 6c 65      "db.example"
///   03 02 55 38                              port 5432
/// ```
package struct RelayHeader: Hashable, Sendable {
    private enum Key: UInt64 {
        case relayID = 1
        case host = 2
        case port = 3
    }

    package let kind: RelayKind
    /// Unique in the session, 0 to 2^62 - 1.
    package let relayID: UInt64
    package let target: TargetAddress

    /// - Parameter relayID: 0 to 2^62 - 1.
    package init(kind: RelayKind, relayID: UInt64, target: TargetAddress) {
        self.kind = kind
        self.relayID = relayID
        self.target = target
    }

    /// - Throws: ``WarpCodingError/unsupportedRelayKind(_:)`` whatever the members are, or ``WarpCodingError`` with the
    ///   first rule that the frame breaks.
    package init(_ frame: Frame) throws(WarpCodingError) {
        guard let kind = RelayKind(rawValue: frame.type) else { throw .unsupportedRelayKind(frame.type) }
        let members = try FrameMembers<Key>(frame)
        self.kind = kind
        relayID = try members.integer(.relayID)
        let host = try members.text(.host, maximumBytes: TargetAddress.maxHostBytes)
        // An IPv6 address comes without brackets, and nothing else has any.
        guard !host.utf8.contains(UInt8(ascii: "[")) else { throw .malformedMember(key: Key.host.rawValue) }
        guard let port = UInt16(exactly: try members.integer(.port)) else { throw .badTarget(.portOutOfRange) }
        do {
            target = try TargetAddress(host: host, port: port)
        } catch {
            throw .badTarget(error)
        }
    }

    /// The header as it goes on the wire, one whole frame.
    package func encoded(allocator: ByteBufferAllocator) -> ByteBuffer {
        var writer = FrameWriter<Key>(allocator: allocator)
        writer.write(relayID, for: .relayID)
        writer.write(target.host, for: .host)
        writer.write(UInt64(target.port), for: .port)
        return writer.encoded(type: kind.rawValue, allocator: allocator)
    }
}
