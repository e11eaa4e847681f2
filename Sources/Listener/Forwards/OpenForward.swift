import NIOCore
import Shared

/// A forward, and what of it outlives its listening sockets: its visitors and its meter.
struct OpenForward: Sendable {
    let forward: Forward
    /// On the event loop of the data path.
    let visitors: NIOLoopBoundBox<VisitorSet>

    private init(_ forward: Forward, visitors: NIOLoopBoundBox<VisitorSet>) {
        self.forward = forward
        self.visitors = visitors
    }

    /// - Parameter eventLoop: the one that all its channels will live on.
    init(_ forward: Forward, on eventLoop: any EventLoop) {
        let visitors = NIOLoopBoundBox.makeBoxSendingValue(VisitorSet(eventLoop: eventLoop), eventLoop: eventLoop)
        self.init(forward, visitors: visitors)
    }

    /// The same, on the port that it really got.
    func on(_ port: ForwardPort) -> OpenForward {
        OpenForward(forward.on(port), visitors: visitors)
    }

    /// Aborts every relay, and turns away further visitors. Returns when they are gone, at the latest after `grace`.
    func endVisitors(within grace: TimeAmount) async {
        let visitors = visitors
        do {
            try await visitors.eventLoop.flatSubmit { visitors.value.end(within: grace) }.get()
        } catch {
            // The event loop has ended, and with it every channel.
        }
    }
}
