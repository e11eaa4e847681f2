import NIOCore
import Shared

/// Visitors of one client UID that came while there was no session, or while its connector granted no further stream, in
/// the order in which they came.
///
/// The original hung them for ever, or showed them an empty reply. Here each waits, unread, for a bounded time, and their
/// number is bounded too. Confined to the event loop of the data path.
final class WaitingVisitors {
    /// One visitor and what it came for.
    struct Visitor {
        let channel: any Channel
        let forward: Forward
        let meter: ForwardMeter
        fileprivate let handler: WaitingVisitorHandler

        /// Lets the bytes through that came while it waited; its relay handler stands behind it by now.
        func release() {
            handler.release()
        }
    }

    private let wait: TimeAmount
    private let maximumCount: Int
    // Every client has one, and hardly any has visitors who wait: it begins small.
    private var queue = CircularBuffer<Visitor>(initialCapacity: 1)
    /// Called when the last visitor has left by itself.
    var emptied: (() -> Void)?

    /// - Parameters:
    ///   - wait: how long each may wait; 0 = not at all.
    ///   - maximumCount: further visitors are reset at once.
    init(wait: TimeAmount, maximumCount: Int) {
        self.wait = wait
        self.maximumCount = maximumCount
    }

    var isEmpty: Bool { queue.isEmpty }
    var count: Int { queue.count }

    /// - Returns: fails when the visitor cannot wait; it has been reset then.
    func enqueue(_ channel: any Channel, _ forward: Forward, _ meter: ForwardMeter) -> EventLoopFuture<Void> {
        guard wait > .zero, queue.count < maximumCount else {
            channel.abort()
            return channel.eventLoop.makeFailedFuture(QUICError.streamLimitReached)
        }
        let handler = WaitingVisitorHandler(wait: wait) { [weak self] in self?.left($0) }
        queue.append(Visitor(channel: channel, forward: forward, meter: meter, handler: handler))
        return channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(handler) }
    }

    /// Takes the one that has waited longest.
    func next() -> Visitor? {
        queue.popFirst()
    }

    /// Resets all.
    func abortAll() {
        while let visitor = queue.popFirst() {
            visitor.channel.abort()
        }
    }

    private func left(_ handler: WaitingVisitorHandler) {
        queue.removeAll { $0.handler === handler }
        if queue.isEmpty {
            emptied?()
        }
    }
}

@available(*, unavailable)
extension WaitingVisitors: Sendable {}
