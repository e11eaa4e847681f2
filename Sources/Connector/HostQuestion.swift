import NIOCore

/// A question to the ``HostResolver``, on its way.
struct HostQuestion: Sendable {
    /// The host's addresses, at least one, in order of preference; fails with ``HostResolverError``. Completes in any case,
    /// although late after ``cancel()``.
    let answer: EventLoopFuture<[SocketAddress]>
    private let isCancelled: CancellationFlag

    init(answer: EventLoopFuture<[SocketAddress]>, isCancelled: CancellationFlag = CancellationFlag()) {
        self.answer = answer
        self.isCancelled = isCancelled
    }

    /// Nobody needs the answer any more: a question that still waits for a thread takes none. One that the system is being
    /// asked runs to its end.
    func cancel() {
        isCancelled.set()
    }
}
