import Glibc
import NIOCore
import NIOEmbedded
import NIOPosix
import TestSupport
import Testing

@testable import Shared

@Suite("RelaySocket")
struct RelaySocketTests {
    private let acceptor: TCPAcceptor

    init() throws {
        acceptor = try TCPAcceptor()
    }

    /// Runs `body` on the event loop of a new channel whose other end is `peer`.
    private func withSocket<Value: Sendable>(
        _ body: @escaping @Sendable (_ channel: any Channel, _ socket: RelaySocket, _ peer: TCPPeer) throws -> Value
    ) async throws -> Value {
        let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .channelOption(.autoRead, value: false)
            .connect(host: acceptor.endpoint.host, port: Int(acceptor.endpoint.port)).get()
        let peer = try acceptor.accept()
        let value = try await channel.eventLoop.submit {
            try body(channel, try #require(RelaySocket(channel)), peer)
        }.get()
        try? await channel.close()
        return value
    }

    @Test func writesWhatTheKernelTakes() async throws {
        try await withSocket { _, socket, peer in
            #expect(socket.write(ByteBuffer(string: "through")) == 7)
            let received = try peer.receive(exactly: 7)
            #expect(received == Array("through".utf8))
        }
    }

    @Test func takesNoMoreThanTheKernelDoes() async throws {
        try await withSocket { _, socket, _ in
            let piece = ByteBuffer(repeating: 0, count: 1 << 20)
            var last = piece.readableBytes
            for _ in 0..<1024 where last == piece.readableBytes {
                last = socket.write(piece)
            }
            #expect(last < piece.readableBytes)
            while last > 0 {
                last = socket.write(piece)
            }
            #expect(socket.write(piece) == 0)
        }
    }

    @Test func aResetIsLeftToSwiftNIOToFind() async throws {
        try await withSocket { _, socket, peer in
            try peer.reset()
            #expect(socket.write(ByteBuffer(string: "to nobody")) == 0)
        }
    }

    @Test func whatHasComeIsReadOnce() async throws {
        try await withSocket { _, socket, peer in
            let tooEarly = try socket.takeFirstBytes()
            try peer.send("first")
            let first = try socket.takeFirstBytes()
            let after = try socket.takeFirstBytes()
            #expect(tooEarly == nil)
            #expect(first == ByteBuffer(string: "first"))
            #expect(after == nil)
        }
    }

    @Test func theStreamsEndStaysForSwiftNIO() async throws {
        try await withSocket { _, socket, peer in
            try peer.finish()
            let first = try socket.takeFirstBytes()
            #expect(first == nil)
        }
    }

    @Test func aClosedChannelsDescriptorIsNobodysOrSomebodyElses() async throws {
        // Another socket gets the number, unless another thread is faster: then once more.
        for _ in 0..<100 {
            let hasMet = try await withSocket { channel, socket, _ in
                let number = try #require(
                    try channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: CInt.self) { $0 }
                )
                let pair = try SocketPair()
                defer { pair.close() }
                channel.close(promise: nil)
                let double = fcntl(pair.one, F_DUPFD_CLOEXEC, number)
                defer { close(double) }
                guard double == number else { return false }
                #expect(socket.write(ByteBuffer(string: "a secret")) == 0)
                let stolen = try socket.takeFirstBytes()
                #expect(stolen == nil)
                #expect(pair.isQuiet)
                return true
            }
            if hasMet { return }
        }
        Issue.record("no socket got the number of a closed one")
    }

    @Test func aChannelWithoutASocketHasNone() {
        #expect(RelaySocket(EmbeddedChannel()) == nil)
    }
}

/// Two sockets that are joined.
private struct SocketPair {
    let one: CInt
    let other: CInt

    init() throws {
        var numbers: [CInt] = [-1, -1]
        try #require(socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &numbers) == 0)
        (one, other) = (numbers[0], numbers[1])
    }

    /// Whether nothing was sent into `one`.
    var isQuiet: Bool {
        var byte: UInt8 = 0
        return recv(other, &byte, 1, CInt(MSG_DONTWAIT)) == -1 && errno == EAGAIN
    }

    func close() {
        Glibc.close(one)
        Glibc.close(other)
    }
}
