import NIOCore
import Shared

/// Keeps a visitor unread until a stream is there for it, and resets it when that takes too long.
///
/// What arrives all the same (SwiftNIO reads everything when the visitor sends FIN: at most its socket's receive buffer)
/// is kept and passed on in order.
final class WaitingVisitorHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let wait: TimeAmount
    private let left: (WaitingVisitorHandler) -> Void
    private var context: ChannelHandlerContext?
    private var timeout: Scheduled<Void>?
    private var held: [NIOAny] = []
    private var sawInputClosed = false

    /// - Parameter left: called when the handler is gone: with its visitor, or because that was released.
    init(wait: TimeAmount, left: @escaping (WaitingVisitorHandler) -> Void) {
        self.wait = wait
        self.left = left
    }

    /// Passes on what was held and leaves the pipeline.
    func release() {
        guard let context else { return }
        timeout?.cancel()
        for data in held {
            context.fireChannelRead(data)
        }
        if !held.isEmpty {
            context.fireChannelReadComplete()
        }
        if sawInputClosed {
            context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        }
        held.removeAll()
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
        context.channel.read()
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        timeout = context.eventLoop.assumeIsolated().scheduleTask(in: wait) {
            self.context?.abort()
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timeout?.cancel()
        self.context = nil
        left(self)  // a channel that never became active becomes inactive without a word
    }

    func read(context: ChannelHandlerContext) {
        // Not yet.
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        held.append(data)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case ChannelEvent.inputClosed: sawInputClosed = true
        case is ForwardClosedEvent: context.abort()
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // The channel closes next, and that is what counts.
    }

}

@available(*, unavailable)
extension WaitingVisitorHandler: Sendable {}
