import NIOCore
import Shared

/// Sends the replies of relays whose target does not say anything at first.
///
/// A reply waits for the target's first bytes, so that one datagram carries both; the listener needs it to tell a target
/// that is silent from one that is not reached yet, which takes no hurry. Confined to the session's event loop.
final class LateReplies {
    /// Less than any round trip that leaves this machine's network.
    private static let delay = TimeAmount.milliseconds(1)

    private let eventLoop: any EventLoop
    private var relays: [RelayHandler] = []

    init(eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    /// Sends the preface of `relay` soon, if that has not gone by then.
    func add(_ relay: RelayHandler) {
        relays.append(relay)
        if relays.count == 1 {
            eventLoop.assumeIsolated().scheduleTask(in: Self.delay) { self.send() }
        }
    }

    private func send() {
        for relay in relays {
            relay.sendPreface()
        }
        relays.removeAll(keepingCapacity: true)
    }
}

@available(*, unavailable)
extension LateReplies: Sendable {}
