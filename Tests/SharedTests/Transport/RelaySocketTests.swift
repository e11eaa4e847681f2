import Glibc
import NIOCore
import NIOEmbedded
import NIOPosix
import TestSupport
import Testing

@testable import Shared

@Suite("RelaySocket", .timeLimit(.minutes(1)))
struct RelaySocketTests {
    @Test func writesWhatTheKernelTakes() async throws {
        try await withConnection { connection in
            let count = try await connection.onLoop { socket, _ in socket.write(ByteBuffer(string: "through")) }
            #expect(count == 7)
            #expect(try connection.peer.receive(exactly: 7) == Array("through".utf8))
        }
    }

    @Test func takesNoMoreThanTheKernelDoes() async throws {
        try await withConnection { connection in
            let piece = ByteBuffer(repeating: 0, count: 1 << 20)
            let isFull = try await connection.onLoop { socket, _ in
                (0..<1024).contains { _ in socket.write(piece) < piece.readableBytes }
            }
            #expect(isFull)
        }
    }

    @Test func aResetIsLeftToSwiftNIOToFind() async throws {
        try await withConnection { connection in
            let rest = try await connection.onLoop { socket, descriptor in
                try connection.peer.reset()
                try descriptor.wait(for: POLLHUP)
                #expect(socket.write(ByteBuffer(string: "to nobody")) == 0)
                return connection.channel.writeAndFlush(ByteBuffer(string: "to nobody"))
            }
            await #expect(throws: IOError.self) { try await rest.get() }
            #expect(!connection.channel.isActive)
        }
    }

    @Test func whatHasComeIsReadOnce() async throws {
        try await withConnection { connection in
            let early = try await connection.onLoop { socket, _ in try socket.takeFirstBytes() }
            try connection.peer.send("first")
            let (first, second) = try await connection.onLoop { socket, descriptor in
                try descriptor.wait(for: POLLIN)
                return (try socket.takeFirstBytes(), try socket.takeFirstBytes())
            }
            #expect(early == nil)
            #expect(first == ByteBuffer(string: "first"))
            #expect(second == nil)
        }
    }

    @Test func theStreamsEndStaysForSwiftNIO() async throws {
        try await withConnection { connection in
            let first = try await connection.onLoop { socket, descriptor in
                try connection.peer.finish()
                try descriptor.wait(for: POLLIN)
                let first = try socket.takeFirstBytes()
                try connection.channel.syncOptions?.setOption(.autoRead, value: true)
                return first
            }
            #expect(first == nil)
            try await connection.channel.closeFuture.get()
        }
    }

    @Test(arguments: [true, false]) func setsWhetherACloseIsAReset(aborts: Bool) async throws {
        try await withConnection { connection in
            let lingers = try await connection.onLoop { socket, descriptor in
                socket.setAborts(!aborts)
                socket.setAborts(aborts)
                return descriptor.lingers
            }
            #expect(lingers == aborts)
        }
    }

    @Test func aClosedChannelsDescriptorIsNobodysOrSomebodyElses() async throws {
        // Another socket gets the number, unless another thread is faster: then once more.
        for _ in 0..<100 {
            let hasMet = try await withConnection { connection in
                try await connection.onLoop { socket, descriptor in
                    let pair = try SocketPair()
                    defer { pair.close() }
                    connection.channel.close(promise: nil)
                    let double = Descriptor(number: fcntl(pair.one, F_DUPFD_CLOEXEC, descriptor.number))
                    defer { close(double.number) }
                    guard double.number == descriptor.number else { return false }
                    try pair.sendByte()
                    let stolen = try socket.takeFirstBytes()
                    let written = socket.write(ByteBuffer(string: "a secret"))
                    socket.setAborts(true)
                    #expect(stolen == nil)
                    #expect(written == 0)
                    #expect(!double.lingers)
                    return true
                }
            }
            if hasMet { return }
        }
        Issue.record("no socket got the number of a closed one")
    }

    @Test func aChannelWithoutASocketHasNone() {
        #expect(RelaySocket(EmbeddedChannel()) == nil)
    }

    /// A connection over loopback, one end of which is a channel that does not read.
    private func withConnection<Value>(_ body: (Connection) async throws -> Value) async throws -> Value {
        let acceptor = try TCPAcceptor()
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let result: Result<Value, any Error>
        do {
            let channel = try await ClientBootstrap(group: group)
                .channelOption(.autoRead, value: false)
                .connect(host: acceptor.endpoint.host, port: Int(acceptor.endpoint.port)).get()
            result = .success(try await body(Connection(channel: channel, peer: try acceptor.accept())))
        } catch {
            result = .failure(error)
        }
        try await group.shutdownGracefully()
        return try result.get()
    }
}

private struct Connection: Sendable {
    let channel: any Channel
    let peer: TCPPeer

    func onLoop<Value: Sendable>(
        _ body: @escaping @Sendable (RelaySocket, Descriptor) throws -> Value
    ) async throws -> Value {
        try await channel.eventLoop.submit {
            try body(try #require(RelaySocket(channel)), Descriptor(number: try channel.descriptor()))
        }.get()
    }
}

private struct Descriptor {
    let number: CInt

    func wait(for events: CInt) throws {
        var interest = pollfd(fd: number, events: Int16(events), revents: 0)
        try #require(poll(&interest, 1, 10_000) == 1)
    }

    /// Whether close(2) would send RST.
    var lingers: Bool {
        var value = linger()
        var length = socklen_t(MemoryLayout.size(ofValue: value))
        getsockopt(number, SOL_SOCKET, SO_LINGER, &value, &length)
        return value.l_onoff != 0 && value.l_linger == 0
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

    /// Leaves a byte to be read from `one`.
    func sendByte() throws {
        var byte: UInt8 = 1
        try #require(send(other, &byte, 1, 0) == 1)
    }

    func close() {
        Glibc.close(one)
        Glibc.close(other)
    }
}
