import Glibc
import Logging
import NIOCore
import Shared

/// Keeps a forward accepting visitors when accept(2) fails: pauses, says so once, and goes on.
///
/// Stands in the pipeline of a listening channel, on its event loop and for its lifetime. Out of file descriptors or
/// memory, a level-triggered socket would be reported readable, and fail, without end: NIO keeps it registered, and
/// `AcceptBackoffHandler` holds back only the reads that NIO would ask for. So automatic reading is switched off
/// for ``pause``, which takes the socket out of the selector.
final class AcceptFailureHandler: ChannelInboundHandler {
    typealias InboundIn = any Channel
    typealias InboundOut = any Channel

    /// Short enough for visitors to wait in the backlog, long enough to cost nothing.
    static let pause = TimeAmount.milliseconds(200)

    /// An episode is over when accepting did not fail for this long: far longer than ``pause``, so that descriptors
    /// that come and go do not make an episode each.
    static let quietPeriod = TimeAmount.seconds(10)

    private let logger: Logger
    private var lastFailure: NIODeadline?
    private var resumption: Scheduled<Void>?

    init(logger: Logger) {
        self.logger = logger
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        log(error, now: context.eventLoop.now)
        if Self.callsForPause(error) {
            pause(context)
        }
        context.fireErrorCaught(error)
    }

    func channelInactive(context: ChannelHandlerContext) {
        resumption?.cancel()
        resumption = nil
        context.fireChannelInactive()
    }

    private func pause(_ context: ChannelHandlerContext) {
        let channel = context.channel
        resumption?.cancel()
        Self.setReading(false, on: channel)
        resumption = context.eventLoop.scheduleTask(in: Self.pause) {
            Self.setReading(true, on: channel)
        }
    }

    private func log(_ error: any Error, now: NIODeadline) {
        let isNewEpisode = lastFailure.map { now - $0 > Self.quietPeriod } ?? true
        lastFailure = now
        let text = (error as? IOError).map { "\(SystemErrorCode($0.errnoCode))" } ?? "\(error)"
        if isNewEpisode {
            logger.warning("cannot accept visitors for the moment", metadata: [LogKeys.error: "\(text)"])
        } else {
            logger.debug("still cannot accept visitors", metadata: [LogKeys.error: "\(text)"])
        }
    }

    private static func setReading(_ isReading: Bool, on channel: any Channel) {
        channel.setOption(.autoRead, value: isReading).whenFailure { _ in
            // The socket was closed: nobody waits to be accepted.
        }
    }

    /// A visitor that left before it was accepted says nothing about the next one.
    private static func callsForPause(_ error: any Error) -> Bool {
        (error as? IOError)?.errnoCode != ECONNABORTED
    }
}

@available(*, unavailable)
extension AcceptFailureHandler: Sendable {}
