internal import NIOCore

/// The members of a received frame, told apart once; those with unknown keys are skipped.
///
/// `Key` lists the members that the message knows.
struct FrameMembers<Key: RawRepresentable<UInt64>> {
    // No more than there are keys: a search from the first on is quicker than a dictionary.
    private var members: [(key: Key, value: ByteBuffer)] = []

    /// - Throws: ``WarpCodingError/memberOverrun``, ``WarpCodingError/duplicateMember(key:)``
    init(_ frame: Frame) throws(WarpCodingError) {
        var rest = frame.payload
        while rest.readableBytes > 0 {
            guard let number = rest.readEncodedInteger(as: UInt64.self, strategy: .quic),
                let value = rest.readLengthPrefixedSlice(strategy: .quic)
            else {
                throw .memberOverrun
            }
            guard let key = Key(rawValue: number) else { continue }
            guard self[key] == nil else { throw .duplicateMember(key: number) }
            members.append((key, value))
        }
    }

    /// A required integer.
    ///
    /// - Throws: ``WarpCodingError/missingMember(key:)``, ``WarpCodingError/malformedMember(key:)``
    func integer(_ key: Key) throws(WarpCodingError) -> UInt64 {
        try Self.required(integerIfPresent(key), key)
    }

    /// - Throws: ``WarpCodingError/malformedMember(key:)`` unless the integer fills the value exactly.
    func integerIfPresent(_ key: Key) throws(WarpCodingError) -> UInt64? {
        guard var value = self[key] else { return nil }
        guard let integer = value.readEncodedInteger(as: UInt64.self, strategy: .quic), value.readableBytes == 0 else {
            throw .malformedMember(key: key.rawValue)
        }
        return integer
    }

    /// A required text.
    ///
    /// - Throws: ``WarpCodingError/missingMember(key:)``, ``WarpCodingError/malformedMember(key:)``
    func text(_ key: Key, maximumBytes: Int) throws(WarpCodingError) -> String {
        try Self.required(textIfPresent(key, maximumBytes: maximumBytes), key)
    }

    /// - Throws: ``WarpCodingError/malformedMember(key:)`` when the text is longer than `maximumBytes` or no UTF-8.
    func textIfPresent(_ key: Key, maximumBytes: Int) throws(WarpCodingError) -> String? {
        guard let value = self[key] else { return nil }
        guard value.readableBytes <= maximumBytes,
            let text = String(validating: value.readableBytesView, as: UTF8.self)
        else {
            throw .malformedMember(key: key.rawValue)
        }
        return text
    }

    /// The bytes of a required value.
    ///
    /// - Throws: ``WarpCodingError/missingMember(key:)``
    func bytes(_ key: Key) throws(WarpCodingError) -> [UInt8] {
        Array(buffer: try Self.required(self[key], key))
    }

    private subscript(key: Key) -> ByteBuffer? {
        members.first { $0.key == key }?.value
    }

    private static func required<Value>(_ value: Value?, _ key: Key) throws(WarpCodingError) -> Value {
        guard let value else { throw .missingMember(key: key.rawValue) }
        return value
    }
}
