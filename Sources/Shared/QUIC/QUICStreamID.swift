/// A stream's number within its connection (RFC 9000 §2.1): 62 bits, of which the lowest two tell who opened it and
/// whether it is bidirectional.
package struct QUICStreamID: Hashable, Sendable, CustomStringConvertible {
    let rawValue: Int64

    init(_ rawValue: Int64) {
        self.rawValue = rawValue
    }

    /// How many streams of this kind were opened before this one.
    package var index: Int64 { rawValue >> 2 }

    /// Whether the server opened it.
    package var isServerInitiated: Bool { rawValue & 0x1 != 0 }

    /// Whether both ends may send on it.
    package var isBidirectional: Bool { rawValue & 0x2 == 0 }

    package var description: String { String(rawValue) }
}
