import NIOCore
import Shared

/// Visitors of one session that came while its connector granted no further stream, in the order in which they came.
///
/// The original grants 100 streams; its next visitor hung for ever. Here one waits, unread, for a bounded time. Confined to
/// the session's event loop.
final class WaitingVisitors {
    /// One visitor and what it came for.
    struct Visitor {
        let channel: any Channel
        let target: TargetAddress
        fileprivate let handler: WaitingVisitorHandler

        /// Lets the bytes through that came while it waited; its relay handler stands behind it by now.
        func release() {
            handler.release()
        }
    }

    /// Further visitors are reset at once.
    private static let maximumCount = 4096

    private let wait: TimeAmount
    private var queue = CircularBuffer<Visitor>()

    /// - Parameter wait: how long each may wait; 0 = not at all.
    init(wait: TimeAmount) {
        self.wait = wait
    }

    var isEmpty: Bool { queue.isEmpty }

    /// - Returns: fails when the visitor cannot wait; it has been reset then.
    func enqueue(_ channel: any Channel, target: TargetAddress) -> EventLoopFuture<Void> {
        guard wait > .zero, queue.count < Self.maximumCount else {
            channel.abort()
            return channel.eventLoop.makeFailedFuture(QUICError.streamLimitReached)
        }
        let handler = WaitingVisitorHandler(wait: wait) { [weak self] in self?.left($0) }
        queue.append(Visitor(channel: channel, target: target, handler: handler))
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
    }
}

@available(*, unavailable)
extension WaitingVisitors: Sendable {}
