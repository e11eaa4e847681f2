package import NIOCore

/// The sender opens or takes no new relays, and closes the connection when those that are there have finished.
package struct GoingAway: Hashable, Sendable {
    private enum Key: UInt64 {
        case reason = 1
        case comeBackAfter = 2
        case relaysMayTake = 3
    }

    /// The greatest length of ``reason``, in UTF-8 bytes.
    package static let maximumReasonBytes = 512

    /// Why, for a person, at most ``maximumReasonBytes``; untrusted text when it is a peer's.
    package let reason: String
    /// How long to wait before dialling again; whole milliseconds on the wire, at most 2^31 - 1.
    package let comeBackAfter: TimeAmount
    /// How long the relays that are there have to finish; whole milliseconds on the wire, at most 2^31 - 1.
    package let relaysMayTake: TimeAmount

    /// - Parameter reason: what is beyond ``maximumReasonBytes`` is cut off.
    package init(reason: String, comeBackAfter: TimeAmount, relaysMayTake: TimeAmount) {
        self.reason = reason.prefix(maximumUTF8Bytes: Self.maximumReasonBytes)
        self.comeBackAfter = comeBackAfter
        self.relaysMayTake = relaysMayTake
    }

    init(decoding frame: Frame) throws(WarpCodingError) {
        let members = try FrameMembers<Key>(frame)
        reason = try members.text(.reason, maximumBytes: Self.maximumReasonBytes)
        comeBackAfter = TimeAmount(wireMilliseconds: try members.integer(.comeBackAfter))
        relaysMayTake = TimeAmount(wireMilliseconds: try members.integer(.relaysMayTake))
    }

    func encoded(type: UInt64, allocator: ByteBufferAllocator) -> ByteBuffer {
        var writer = FrameWriter<Key>(allocator: allocator)
        writer.write(reason, for: .reason)
        writer.write(comeBackAfter.wireMilliseconds, for: .comeBackAfter)
        writer.write(relaysMayTake.wireMilliseconds, for: .relaysMayTake)
        return writer.encoded(type: type, allocator: allocator)
    }
}
