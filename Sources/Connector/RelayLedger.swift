import Shared

/// Counts the relays of one session whose target is being dialled, or still there. Confined to the session's event loop.
final class RelayLedger {
    private(set) var openCount = 0

    /// - Returns: the relay's entry; it counts until its ``Entry/relayEnded()``.
    func open() -> Entry {
        openCount += 1
        return Entry(self)
    }

    /// One relay.
    final class Entry: RelayObserver {
        private var ledger: RelayLedger?

        fileprivate init(_ ledger: RelayLedger) {
            self.ledger = ledger
        }

        func relaySent(_ count: Int) {}

        func relayReceived(_ count: Int) {}

        func relayDialFailed(_ status: RelayStatus, detail: String) {}

        /// Idempotent.
        func relayEnded() {
            ledger?.openCount -= 1
            ledger = nil
        }
    }
}

@available(*, unavailable)
extension RelayLedger: Sendable {}

@available(*, unavailable)
extension RelayLedger.Entry: Sendable {}
