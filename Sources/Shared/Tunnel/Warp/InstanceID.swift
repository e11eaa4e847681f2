internal import NIOCore

/// Names one run of a connector's program: 16 random bytes.
///
/// A newcomer with the instance of the session that holds its client UID is the same program, and takes over at once.
package struct InstanceID: Hashable, Sendable {
    package static let byteCount = 16

    package let bytes: [UInt8]

    /// - Returns: nil unless there are exactly ``byteCount`` bytes.
    package init?(_ bytes: [UInt8]) {
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = bytes
    }

    /// A new one.
    package static func random() -> InstanceID {
        var generator = SystemRandomNumberGenerator()
        return InstanceID(unchecked: (0..<byteCount).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
    }

    private init(unchecked bytes: [UInt8]) {
        self.bytes = bytes
    }
}

extension InstanceID: CustomStringConvertible {
    /// 32 hexadecimal digits.
    package var description: String { ByteBuffer(bytes: bytes).hexDump(format: .compact) }
}
