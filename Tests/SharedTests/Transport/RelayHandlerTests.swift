import Glibc
import NIOCore
import NIOPosix
import TestSupport
import Testing

@testable import Shared

@Suite("RelayHandler", .timeLimit(.minutes(1)))
struct RelayHandlerTests {
    // SwiftNIO fails what is left to write before it says that the channel is closed: to count that as written would make
    // the visitor's reset a clean end.
    @Test func aWriteThatFailsBehindTheStreamsEndIsAReset() async throws {
        let relay = try await OpenRelay(preface: "a question", ahead: [FailingWrites()]) {
            StreamPeer(stream: $0, driver: $1, answer: "an answer", end: $2)
        }
        #expect(try await relay.end.get() == .reset(code: ApplicationErrorCode.connectionReset.rawValue))
        try await relay.close()
    }

    @Test func readsGrowWithWhatThePeerSendsAtOnce() async throws {
        let sizes = ReadSizes()
        let relay = try await OpenRelay(observer: sizes) { StreamPeer(stream: $0, driver: $1, answer: nil, end: $2) }
        let (peer, pattern) = (relay.peer, BytePattern(byteCount: 180_000, seed: 1))
        // All of it has come before the relay gets to read.
        try await relay.eventLoop.submit {
            try peer.send(pattern, timeout: Deadline.patience)
            try relay.waitForArrival(of: pattern.byteCount)
        }.get()
        try peer.finish()
        #expect(try await relay.end.get() == .finished)
        let reads = try await relay.eventLoop.submit { sizes.reads }.get()
        #expect(reads == [2048, 8192, 32_768, 131_072, 5920])
        try await relay.close()
    }
}

/// A relay between a TCP connection over loopback and a stream of a ``DriverPair``.
private struct OpenRelay {
    let eventLoop: any EventLoop
    let peer: TCPPeer
    /// The end of the relay's sending part, as the stream's other end sees it.
    let end: EventLoopFuture<StreamEnding>
    private let pair: NIOLoopBound<DriverPair>
    private let channel: any Channel

    typealias MakeConsumer =
        @Sendable (QUICStreamID, ConnectionDriver, EventLoopPromise<StreamEnding>) -> any StreamConsumer

    /// - Parameter ahead: handlers between the channel and the relay's.
    init(
        preface: String? = nil,
        observer: (any RelayObserver & Sendable)? = nil,
        ahead: [any ChannelHandler & Sendable] = [],
        makeConsumer: @escaping MakeConsumer
    ) async throws {
        let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
        let pair = try await eventLoop.flatSubmit { DriverPair.open(on: eventLoop) }.get()
        let acceptor = try TCPAcceptor()
        channel = try await ClientBootstrap(group: eventLoop)
            .channelOption(.socketOption(.so_rcvbuf), value: 200_000)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try RelayHandler.setOptions(of: channel) }
            }
            .connect(host: acceptor.endpoint.host, port: Int(acceptor.endpoint.port)).get()
        peer = try acceptor.accept()
        let end = eventLoop.makePromise(of: StreamEnding.self)
        let patience = eventLoop.scheduleTask(in: .init(Deadline.patience)) {
            end.fail(NeverEnded())
        }
        end.futureResult.whenComplete { _ in patience.cancel() }
        try await eventLoop.submit { [channel] in
            pair.value.server.makeConsumer = { makeConsumer($0, $1, end) }
            let driver = try #require(pair.value.client.driver)
            let relay = RelayHandler(
                driver: driver,
                stream: try driver.connection.openStream(),
                preface: preface.map { ByteBuffer(string: $0) },
                observer: observer
            )
            try channel.pipeline.syncOperations.addHandlers(ahead)
            try channel.pipeline.syncOperations.addHandler(relay)
        }.get()
        self.eventLoop = eventLoop
        self.pair = pair
        self.end = end.futureResult
    }

    /// Waits until the relay's socket has `count` bytes to be read. On the event loop, so that nobody reads them.
    func waitForArrival(of count: Int) throws {
        let socket = try channel.descriptor()
        let deadline = Deadline.after(Deadline.patience)
        var space = [UInt8](repeating: 0, count: count)
        while recv(socket, &space, count, CInt(MSG_PEEK | MSG_DONTWAIT)) < count {
            try #require(!deadline.hasPassed, "the bytes did not come")
            usleep(1000)
        }
    }

    func close() async throws {
        peer.close()
        try await eventLoop.submit { [pair] in pair.value.close() }.get()
    }
}

private struct NeverEnded: Error {}

/// How a peer's sending part ended.
private enum StreamEnding: Hashable, Sendable {
    case finished
    case reset(code: UInt64)
}

/// A stream's other end: takes what comes, gives its answer and the end of its part at the first bytes if it has one, and
/// waits for the end of the other part.
private final class StreamPeer: StreamConsumer {
    private let stream: QUICStreamID
    private let driver: ConnectionDriver
    private let end: EventLoopPromise<StreamEnding>
    private var answer: String?

    init(stream: QUICStreamID, driver: ConnectionDriver, answer: String?, end: EventLoopPromise<StreamEnding>) {
        self.stream = stream
        self.driver = driver
        self.answer = answer
        self.end = end
    }

    func streamReadable() {
        guard let data = driver.connection.receive(from: stream) else { return }
        driver.connection.consume(data.bytes?.readableBytes ?? 0, on: stream)
        if let text = answer {
            answer = nil
            driver.connection.send(ByteBuffer(string: text), finish: true, on: stream)
        }
        driver.setNeedsDrive()
        if data.isLast {
            end.succeed(.finished)
        }
    }

    func streamReset(code: UInt64) {
        end.succeed(.reset(code: code))
    }

    func streamWritable() {}
    func streamSendingStopped() {}
    func streamClosed(code: UInt64?) {}
    func connectionClosed() {}
}

/// Remembers how much each read of a relay's channel had. Confined to the channel's event loop.
private final class ReadSizes: RelayObserver, @unchecked Sendable {
    private(set) var reads: [Int] = []

    func relaySent(_ count: Int) {
        reads.append(count)
    }

    func relayReceived(_ count: Int) {}
    func relayDialFailed(_ status: RelayStatus, detail: String) {}
    func relayEnded() {}
}

/// Sees to it that the kernel takes no bytes, fails the first write, and then closes the channel: as SwiftNIO does with a
/// connection that turns out to be reset.
private final class FailingWrites: ChannelOutboundHandler, Sendable {
    typealias OutboundIn = ByteBuffer

    func handlerAdded(context: ChannelHandlerContext) {
        do {
            #expect(shutdown(try context.channel.descriptor(), CInt(SHUT_WR)) == 0)
        } catch {
            Issue.record(error)
        }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let loopBound = context.loopBound
        context.eventLoop.execute {
            promise?.fail(IOError(errnoCode: EPIPE, reason: "write"))
            loopBound.value.close(promise: nil)
        }
    }
}
