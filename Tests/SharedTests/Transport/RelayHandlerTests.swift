import Glibc
import NIOCore
import NIOPosix
import TestSupport
import Testing

@testable import Shared

@Suite("RelayHandler")
struct RelayHandlerTests {
    // SwiftNIO fails what is left to write before it says that the channel is closed: to count that as written would make
    // the visitor's reset a clean end.
    @Test(.timeLimit(.minutes(1))) func aWriteThatFailsBehindTheStreamsEndIsAReset() async throws {
        let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
        let pair = try await eventLoop.flatSubmit { DriverPair.open(on: eventLoop) }.get()
        let acceptor = try TCPAcceptor()
        let channel = try await ClientBootstrap(group: eventLoop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try RelayHandler.setOptions(of: channel) }
            }
            .connect(host: acceptor.endpoint.host, port: Int(acceptor.endpoint.port)).get()
        let peer = try acceptor.accept()

        let end = try await eventLoop.flatSubmit {
            let end = eventLoop.makePromise(of: StreamEnding.self)
            do {
                pair.value.server.makeConsumer = { AnsweringConsumer(stream: $0, driver: $1, end: end) }
                let driver = try #require(pair.value.client.driver)
                let relay = RelayHandler(
                    driver: driver,
                    stream: try driver.connection.openStream(),
                    preface: ByteBuffer(string: "a question")
                )
                try channel.pipeline.syncOperations.addHandlers(FailingWrites(), relay)
            } catch {
                end.fail(error)
            }
            return end.futureResult
        }.get()

        #expect(end == .reset(code: ApplicationErrorCode.connectionReset.rawValue))
        peer.close()
        try await eventLoop.submit { pair.value.close() }.get()
    }
}

/// How a peer's sending part ended.
private enum StreamEnding: Hashable, Sendable {
    case finished
    case reset(code: UInt64)
}

/// Answers the first bytes of its stream, ends its own part, and waits for the end of the other one.
private final class AnsweringConsumer: StreamConsumer {
    private let stream: QUICStreamID
    private let driver: ConnectionDriver
    private let end: EventLoopPromise<StreamEnding>
    private var hasAnswered = false

    init(stream: QUICStreamID, driver: ConnectionDriver, end: EventLoopPromise<StreamEnding>) {
        self.stream = stream
        self.driver = driver
        self.end = end
    }

    func streamReadable() {
        guard let data = driver.connection.receive(from: stream) else { return }
        driver.connection.consume(data.bytes?.readableBytes ?? 0, on: stream)
        if !hasAnswered {
            hasAnswered = true
            driver.connection.send(ByteBuffer(string: "an answer"), finish: true, on: stream)
            driver.setNeedsDrive()
        }
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

/// Fails the first write, and then closes the channel: as SwiftNIO does with a connection that turns out to be reset.
private final class FailingWrites: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let loopBound = context.loopBound
        context.eventLoop.execute {
            promise?.fail(IOError(errnoCode: EPIPE, reason: "write"))
            loopBound.value.close(promise: nil)
        }
    }
}
