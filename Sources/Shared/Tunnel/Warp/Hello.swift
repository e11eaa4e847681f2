internal import NIOCore

/// What the connector says first, and once.
///
/// Version 1, software `sw 2`, instance `00 01 … 0f`, capabilities 1:
///
/// ```
///   01 1e                                                   hello, 30 bytes
///   01 01 01                                                version 1
///   02 04 73 77 20 32                                       "sw 2"
///   03 10 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f   instance
///   04 01 01                                                capabilities
/// ```
package struct Hello: Hashable, Sendable {
    private enum Key: UInt64 {
        case version = 1
        case software = 2
        case instance = 3
        case capabilities = 4
    }

    /// The greatest length of a text that names software and its version, in UTF-8 bytes.
    package static let maximumSoftwareBytes = 64

    /// The highest protocol version that we speak.
    package static let currentVersion: UInt64 = 1

    /// The highest protocol version that the connector speaks.
    package let version: UInt64
    /// The connector's software and version, at most ``maximumSoftwareBytes``; untrusted text when it is a peer's.
    package let software: String
    package let instance: InstanceID
    package let capabilities: Capabilities

    /// - Parameter software: what is beyond ``maximumSoftwareBytes`` is cut off.
    package init(version: UInt64, software: String, instance: InstanceID, capabilities: Capabilities) {
        self.version = version
        self.software = software.prefix(maximumUTF8Bytes: Self.maximumSoftwareBytes)
        self.instance = instance
        self.capabilities = capabilities
    }

    init(decoding frame: Frame) throws(WarpCodingError) {
        let members = try FrameMembers<Key>(frame)
        version = try members.integer(.version)
        software = try members.text(.software, maximumBytes: Self.maximumSoftwareBytes)
        guard let instance = InstanceID(try members.bytes(.instance)) else {
            throw .malformedMember(key: Key.instance.rawValue)
        }
        self.instance = instance
        capabilities = Capabilities(rawValue: try members.integer(.capabilities))
    }

    func encoded(type: UInt64, allocator: ByteBufferAllocator) -> ByteBuffer {
        var writer = FrameWriter<Key>(allocator: allocator)
        writer.write(version, for: .version)
        writer.write(software, for: .software)
        writer.write(instance.bytes, for: .instance)
        writer.write(capabilities.rawValue, for: .capabilities)
        return writer.encoded(type: type, allocator: allocator)
    }
}
