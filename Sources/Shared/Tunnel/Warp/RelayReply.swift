package import NIOCore

/// The connector's answer to a relay's header, ahead of the target's bytes if there will be any.
///
/// `00 00` is *connected*; `01 06 01 04 62 75 73 79` is *refused* with the detail "busy".
package struct RelayReply: Hashable, Sendable {
    private enum Key: UInt64 {
        case detail = 1
    }

    /// The greatest length of ``detail``, in UTF-8 bytes.
    package static let maximumDetailBytes = 512

    package let status: RelayStatus
    /// Details for a person, at most ``maximumDetailBytes``, as a rule none with ``RelayStatus/connected``; untrusted
    /// text when it is a peer's.
    package let detail: String

    /// - Parameter detail: what is beyond ``maximumDetailBytes`` is cut off.
    package init(status: RelayStatus, detail: String = "") {
        self.status = status
        self.detail = detail.prefix(maximumUTF8Bytes: Self.maximumDetailBytes)
    }

    /// - Throws: ``WarpCodingError`` with the first rule that the frame breaks.
    package init(_ frame: Frame) throws(WarpCodingError) {
        let members = try FrameMembers<Key>(frame)
        status = RelayStatus(rawValue: frame.type) ?? .unreachable
        if status == .connected {
            detail = try members.textIfPresent(.detail, maximumBytes: Self.maximumDetailBytes) ?? ""
        } else {
            detail = try members.text(.detail, maximumBytes: Self.maximumDetailBytes)
        }
    }

    /// The reply as it goes on the wire, one whole frame.
    package func encoded(allocator: ByteBufferAllocator) -> ByteBuffer {
        var writer = FrameWriter<Key>(allocator: allocator)
        if status != .connected || !detail.isEmpty {
            writer.write(detail, for: .detail)
        }
        return writer.encoded(type: status.rawValue, allocator: allocator)
    }
}
