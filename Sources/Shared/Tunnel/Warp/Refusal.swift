internal import NIOCore

/// The listener's answer to a connector that it does not admit.
package struct Refusal: Hashable, Sendable {
    private enum Key: UInt64 {
        case reason = 1
        case text = 2
        case heldSince = 3
    }

    /// The greatest length of ``text``, in UTF-8 bytes.
    package static let maximumTextBytes = 512

    package let reason: RefusalReason
    /// The reason for a person, at most ``maximumTextBytes``; untrusted text when it is a peer's.
    package let text: String
    /// Since when the client UID has been in use, in milliseconds since 1970, at most 2^62 - 1.
    package let heldSince: UInt64?

    /// - Parameters:
    ///   - text: what is beyond ``maximumTextBytes`` is cut off.
    ///   - heldSince: 0 to 2^62 - 1.
    package init(reason: RefusalReason, text: String, heldSince: UInt64? = nil) {
        self.reason = reason
        self.text = text.prefix(maximumUTF8Bytes: Self.maximumTextBytes)
        self.heldSince = heldSince
    }

    init(decoding frame: Frame) throws(WarpCodingError) {
        let members = try FrameMembers<Key>(frame)
        reason = RefusalReason(rawValue: try members.integer(.reason)) ?? .policy
        text = try members.text(.text, maximumBytes: Self.maximumTextBytes)
        heldSince = try members.integerIfPresent(.heldSince)
    }

    func encoded(type: UInt64, allocator: ByteBufferAllocator) -> ByteBuffer {
        var writer = FrameWriter<Key>(allocator: allocator)
        writer.write(reason.rawValue, for: .reason)
        writer.write(text, for: .text)
        if let heldSince {
            writer.write(heldSince, for: .heldSince)
        }
        return writer.encoded(type: type, allocator: allocator)
    }
}
