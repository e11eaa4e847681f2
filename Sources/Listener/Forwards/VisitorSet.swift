import NIOCore
import Shared

/// The channels of one forward's visitors, so that closing the forward can end them, and the meter of their relays.
///
/// Made with its ``OpenForward``, which listening sockets that come and go share; confined to the event loop. Holds as
/// many channels as the operating system gives the process sockets; each leaves when it closes.
final class VisitorSet {
    let meter = ForwardMeter()

    private let eventLoop: any EventLoop
    private var channels: [ObjectIdentifier: any Channel] = [:]
    private var isEnding = false

    init(eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    /// Takes note of an accepted channel until it closes.
    ///
    /// - Returns: False when the forward is being closed and the channel must not live.
    func insert(_ channel: any Channel) -> Bool {
        eventLoop.assertInEventLoop()
        guard !isEnding else {
            return false
        }
        channels[ObjectIdentifier(channel)] = channel
        channel.closeFuture.assumeIsolated().whenComplete { _ in
            self.channels[ObjectIdentifier(channel)] = nil
        }
        return true
    }

    /// Aborts every relay, by ``ForwardClosedEvent``, and closes what is left after `grace`.
    ///
    /// - Returns: Succeeds when the visitors are gone, at the latest after `grace`.
    func end(within grace: TimeAmount) -> EventLoopFuture<Void> {
        eventLoop.assertInEventLoop()
        isEnding = true
        // A snapshot: handlers close their channel, and so change the set, while the event is being fired.
        let visitors = Array(channels.values)
        let gone = eventLoop.makePromise(of: Void.self)
        let deadline = eventLoop.assumeIsolated().scheduleTask(in: grace) {
            for channel in self.channels.values {
                channel.close(promise: nil)
            }
            gone.succeed()
        }
        EventLoopFuture.andAllComplete(visitors.map(\.closeFuture), on: eventLoop).whenComplete { _ in
            deadline.cancel()
            gone.succeed()
        }
        for channel in visitors {
            channel.pipeline.fireUserInboundEventTriggered(ForwardClosedEvent())
        }
        return gone.futureResult
    }
}

@available(*, unavailable)
extension VisitorSet: Sendable {}
