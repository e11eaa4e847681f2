import NIOCore
import Shared
import Testing

/// Valid messages of every type, and frames put together by hand, for the tests of the codecs.
enum WarpSamples {
    static let allocator = ByteBufferAllocator()

    static func instance() throws -> InstanceID {
        try #require(InstanceID(Array(0..<16)))
    }

    static func session() throws -> SessionID {
        try #require(SessionID(Array(16..<32)))
    }

    static func hello() throws -> Hello {
        Hello(version: 1, software: "sw 2", instance: try instance(), capabilities: .tcpRelays)
    }

    static func welcome() throws -> Welcome {
        Welcome(
            version: 1,
            software: "socket-warp 2.0 (büro)",
            uid: try ClientUID("client-7"),
            session: try session(),
            capabilities: .tcpRelays,
            silenceLimit: .seconds(30)
        )
    }

    /// Of every type, with and without what is optional.
    static func controlMessages() throws -> [ControlMessage] {
        [
            .hello(try hello()),
            .welcome(try welcome()),
            .refusal(Refusal(reason: .clientUIDInUse, text: "in use by 192.0.2.1", heldSince: 1_795_244_400_123)),
            .refusal(Refusal(reason: .certificateRefused, text: "")),
            .goingAway(GoingAway(reason: "restart", comeBackAfter: .seconds(1), relaysMayTake: .seconds(30))),
            .probe(7),
            .probeReply((1 << 62) - 1),
        ]
    }

    static func relayHeaders() throws -> [RelayHeader] {
        [
            RelayHeader(kind: .tcp, relayID: 7, target: try TargetAddress(host: "db.example", port: 5432)),
            RelayHeader(kind: .tcp, relayID: (1 << 62) - 1, target: try TargetAddress(host: "::1", port: 1)),
            RelayHeader(
                kind: .tcp,
                relayID: 0,
                target: try TargetAddress(host: String(repeating: "a", count: 253), port: 65_535)
            ),
        ]
    }

    static func relayReplies() -> [RelayReply] {
        RelayStatus.allCases.map { RelayReply(status: $0, detail: $0 == .connected ? "" : $0.words) }
    }

    /// The wire form of every sample.
    static func encoded() throws -> [ByteBuffer] {
        try controlMessages().map { $0.encoded(allocator: allocator) }
            + relayHeaders().map { $0.encoded(allocator: allocator) }
            + relayReplies().map { $0.encoded(allocator: allocator) }
    }

    /// - Parameter hex: bytes as the documentation writes them, over several lines too.
    static func bytes(_ hex: String) throws -> ByteBuffer {
        try ByteBuffer(plainHexEncodedBytes: hex)
    }

    /// The one frame that `bytes` are.
    static func frame(_ bytes: ByteBuffer) throws -> Frame {
        var reader = FrameReader()
        reader.append(bytes)
        let frame = try #require(try reader.next())
        #expect(reader.takeRest().readableBytes == 0)
        return frame
    }

    static func frame(type: UInt64, _ members: [Member]) -> Frame {
        var payload = ByteBuffer()
        for member in members {
            payload.writeEncodedInteger(member.key, strategy: .quic)
            payload.writeLengthPrefixedBytes(member.value, strategy: .quic)
        }
        return Frame(type: type, payload: payload)
    }

    /// A member, told apart with as little code of the product's as possible.
    struct Member: Hashable {
        var key: UInt64
        var value: [UInt8]

        static func integer(_ key: UInt64, _ integer: UInt64) -> Member {
            var value = ByteBuffer()
            value.writeEncodedInteger(integer, strategy: .quic)
            return Member(key: key, value: Array(buffer: value))
        }

        static func text(_ key: UInt64, _ text: String) -> Member {
            Member(key: key, value: Array(text.utf8))
        }
    }

    static func members(of frame: Frame) throws -> [Member] {
        var rest = frame.payload
        var members: [Member] = []
        while rest.readableBytes > 0 {
            let key = rest.readEncodedInteger(as: UInt64.self, strategy: .quic)
            let value = rest.readLengthPrefixedBytes(strategy: .quic)
            members.append(Member(key: try #require(key), value: try #require(value)))
        }
        return members
    }
}
