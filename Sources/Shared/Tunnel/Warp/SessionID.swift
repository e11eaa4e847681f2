internal import NIOCore

/// Names a session to both ends, and in their logs: 16 random bytes of the listener's.
package struct SessionID: Hashable, Sendable {
    package static let byteCount = 16

    package let bytes: [UInt8]

    /// - Returns: nil unless there are exactly ``byteCount`` bytes.
    package init?(_ bytes: [UInt8]) {
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = bytes
    }
}

extension SessionID: CustomStringConvertible {
    /// 32 hexadecimal digits.
    package var description: String { ByteBuffer(bytes: bytes).hexDump(format: .compact) }
}
