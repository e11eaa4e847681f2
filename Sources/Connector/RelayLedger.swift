import Logging
import NIOCore
import Shared

/// Counts the relays of one session whose target is being dialled, or still there, and logs those that were turned away.
/// Confined to the session's event loop.
final class RelayLedger {
    private(set) var openCount = 0
    // Any visitor of a forward whose target is dead brings such a line about.
    private var budget = LogBudget(now: .now())

    /// - Returns: the relay's entry; it counts until its ``Entry/relayEnded()``.
    func open() -> Entry {
        openCount += 1
        return Entry(self)
    }

    fileprivate func logRefusal(_ reason: String, _ logger: Logger) {
        let level: Logger.Level = budget.take(now: .now()) ? .info : .debug
        logger.log(level: level, "relay refused", metadata: [LogKeys.reason: "\(reason.singleLine(limit: 600))"])
    }

    /// One relay.
    final class Entry: RelayObserver {
        private var ledger: RelayLedger?

        fileprivate init(_ ledger: RelayLedger) {
            self.ledger = ledger
        }

        /// Tells why there will be no relay: at level info, or at debug when there are many.
        func logRefusal(_ reason: String, _ logger: Logger) {
            ledger?.logRefusal(reason, logger)
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
