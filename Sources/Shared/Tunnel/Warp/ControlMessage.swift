package import NIOCore

/// What the two ends say to each other on the control stream of `warp/1`: one frame each.
///
/// ```
///   0x01 hello         connector, first and once
///   0x02 welcome       listener, once
///   0x03 refusal       listener, instead
///   0x04 going away    both
///   0x05 probe         both        05 03 01 01 07 is probe 7,
///   0x06 probe reply   both        06 03 01 01 07 the reply to it
/// ```
package enum ControlMessage: Hashable, Sendable {
    case hello(Hello)
    case welcome(Welcome)
    case refusal(Refusal)
    case goingAway(GoingAway)
    /// With any number, 0 to 2^62 - 1.
    case probe(UInt64)
    /// With the probe's number.
    case probeReply(UInt64)

    private enum FrameType: UInt64 {
        case hello = 0x01
        case welcome = 0x02
        case refusal = 0x03
        case goingAway = 0x04
        case probe = 0x05
        case probeReply = 0x06
    }

    private enum ProbeKey: UInt64 {
        case number = 1
    }

    /// - Returns: nil when the frame's type is unknown: such a frame is skipped.
    /// - Throws: ``WarpCodingError`` with the first rule of the message that the frame breaks.
    package init?(_ frame: Frame) throws(WarpCodingError) {
        guard let type = FrameType(rawValue: frame.type) else { return nil }
        switch type {
        case .hello: self = .hello(try Hello(decoding: frame))
        case .welcome: self = .welcome(try Welcome(decoding: frame))
        case .refusal: self = .refusal(try Refusal(decoding: frame))
        case .goingAway: self = .goingAway(try GoingAway(decoding: frame))
        case .probe: self = .probe(try FrameMembers<ProbeKey>(frame).integer(.number))
        case .probeReply: self = .probeReply(try FrameMembers<ProbeKey>(frame).integer(.number))
        }
    }

    /// The message as it goes on the wire, one whole frame.
    package func encoded(allocator: ByteBufferAllocator) -> ByteBuffer {
        switch self {
        case .hello(let hello): hello.encoded(type: FrameType.hello.rawValue, allocator: allocator)
        case .welcome(let welcome): welcome.encoded(type: FrameType.welcome.rawValue, allocator: allocator)
        case .refusal(let refusal): refusal.encoded(type: FrameType.refusal.rawValue, allocator: allocator)
        case .goingAway(let goingAway): goingAway.encoded(type: FrameType.goingAway.rawValue, allocator: allocator)
        case .probe(let number): Self.encodedProbe(number, type: .probe, allocator: allocator)
        case .probeReply(let number): Self.encodedProbe(number, type: .probeReply, allocator: allocator)
        }
    }

    private static func encodedProbe(_ number: UInt64, type: FrameType, allocator: ByteBufferAllocator) -> ByteBuffer {
        var writer = FrameWriter<ProbeKey>(allocator: allocator)
        writer.write(number, for: .number)
        return writer.encoded(type: type.rawValue, allocator: allocator)
    }
}
