import NIOCore
import NIOPosix
import Shared

@testable import Listener

/// Stands in for the data path: takes a forward's visitors and shows them to the test.
final class AdoptedVisitors: Sendable {
    /// What a visitor does when its forward is closed.
    enum OnForwardClosed: Sendable {
        case close
        case ignore
    }

    struct Visitor: Sendable {
        let channel: any Channel
        let forward: Forward
        let meter: NIOLoopBound<ForwardMeter>
    }

    let stream: AsyncStream<Visitor>
    private let continuation: AsyncStream<Visitor>.Continuation
    private let onForwardClosed: OnForwardClosed

    init(onForwardClosed: OnForwardClosed = .close) {
        self.onForwardClosed = onForwardClosed
        (stream, continuation) = AsyncStream.makeStream()
    }

    /// The next visitor that was adopted.
    func next() async -> Visitor? {
        await stream.first { _ in true }
    }

    @Sendable func adopt(
        _ channel: any Channel,
        for forward: Forward,
        _ meter: ForwardMeter
    ) -> EventLoopFuture<Void> {
        let bound = NIOLoopBound(meter, eventLoop: channel.eventLoop)
        return channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(EventHandler(onForwardClosed: onForwardClosed))
            continuation.yield(Visitor(channel: channel, forward: forward, meter: bound))
        }
    }

    private final class EventHandler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let onForwardClosed: OnForwardClosed

        init(onForwardClosed: OnForwardClosed) {
            self.onForwardClosed = onForwardClosed
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if event is ForwardClosedEvent, case .close = onForwardClosed {
                context.close(promise: nil)
            }
            context.fireUserInboundEventTriggered(event)
        }
    }
}
