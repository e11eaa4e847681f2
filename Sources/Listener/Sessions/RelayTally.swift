import Shared

/// Counts one relay for its session and for its forward.
final class RelayTally: RelayObserver {
    private let session: SessionCounters
    private let forward: ForwardMeter

    init(session: SessionCounters, forward: ForwardMeter) {
        self.session = session
        self.forward = forward
        session.openRelays += 1
        forward.relayOpened()
    }

    func relaySent(_ count: Int) {
        session.bytesToTargets += UInt64(count)
        forward.carried(toTarget: count)
    }

    func relayReceived(_ count: Int) {
        session.bytesFromTargets += UInt64(count)
        forward.carried(fromTarget: count)
    }

    func relayDialFailed(_ status: RelayStatus, detail: String) {
        forward.dialFailed(status: status, detail: detail, at: WallClock.millisecondsSince1970)
    }

    func relayEnded() {
        session.openRelays -= 1
        forward.relayClosed()
    }
}

@available(*, unavailable)
extension RelayTally: Sendable {}
