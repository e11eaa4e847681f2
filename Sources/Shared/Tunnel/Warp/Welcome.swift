package import NIOCore

/// The listener's answer to a connector that it admits.
package struct Welcome: Hashable, Sendable {
    private enum Key: UInt64 {
        case version = 1
        case software = 2
        case uid = 3
        case session = 4
        case capabilities = 5
        case silenceLimit = 6
    }

    /// The protocol version from now on.
    package let version: UInt64
    /// The listener's software and version, at most ``Hello/maximumSoftwareBytes``; untrusted text when it is a peer's.
    package let software: String
    package let uid: ClientUID
    package let session: SessionID
    package let capabilities: Capabilities
    /// The silence after which the listener gives the session up; whole milliseconds on the wire, at most 2^31 - 1.
    package let silenceLimit: TimeAmount

    /// - Parameter software: what is beyond ``Hello/maximumSoftwareBytes`` is cut off.
    package init(
        version: UInt64,
        software: String,
        uid: ClientUID,
        session: SessionID,
        capabilities: Capabilities,
        silenceLimit: TimeAmount
    ) {
        self.version = version
        self.software = software.prefix(maximumUTF8Bytes: Hello.maximumSoftwareBytes)
        self.uid = uid
        self.session = session
        self.capabilities = capabilities
        self.silenceLimit = silenceLimit
    }

    init(decoding frame: Frame) throws(WarpCodingError) {
        let members = try FrameMembers<Key>(frame)
        version = try members.integer(.version)
        software = try members.text(.software, maximumBytes: Hello.maximumSoftwareBytes)
        uid = try Self.clientUID(members.text(.uid, maximumBytes: ClientUID.maxBytes))
        guard let session = SessionID(try members.bytes(.session)) else {
            throw .malformedMember(key: Key.session.rawValue)
        }
        self.session = session
        capabilities = Capabilities(rawValue: try members.integer(.capabilities))
        silenceLimit = TimeAmount(wireMilliseconds: try members.integer(.silenceLimit))
    }

    func encoded(type: UInt64, allocator: ByteBufferAllocator) -> ByteBuffer {
        var writer = FrameWriter<Key>(allocator: allocator)
        writer.write(version, for: .version)
        writer.write(software, for: .software)
        writer.write(uid.text, for: .uid)
        writer.write(session.bytes, for: .session)
        writer.write(capabilities.rawValue, for: .capabilities)
        writer.write(silenceLimit.wireMilliseconds, for: .silenceLimit)
        return writer.encoded(type: type, allocator: allocator)
    }

    private static func clientUID(_ text: String) throws(WarpCodingError) -> ClientUID {
        do {
            return try ClientUID(text)
        } catch {
            throw .badClientUID(error)
        }
    }
}
