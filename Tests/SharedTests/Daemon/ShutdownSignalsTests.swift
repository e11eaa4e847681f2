import Glibc
import Shared
import TestSupport
import Testing

/// On signals that mean nothing to the test process.
@Suite("ShutdownSignals", .serialized)
struct ShutdownSignalsTests {
    private enum Event: Equatable {
        case gently
        case atOnce
        case gaveUp
    }

    private let events = Monitor<[Event]>([])

    private func note(_ event: Event) {
        events.withLock { $0.append(event) }
    }

    private func signals(patience: Duration) -> ShutdownSignals {
        ShutdownSignals([SIGUSR1, SIGUSR2], patience: patience) { note(.gaveUp) }
    }

    private func wait(for count: Int) -> [Event]? {
        events.wait(until: .after(Deadline.patience)) { $0.count >= count ? $0 : nil }
    }

    @Test func theFirstSignalAsksGentlyAndTheSecondEndsAtOnce() {
        let signals = signals(patience: .milliseconds(10))
        signals.call(gently: { note(.gently) }, atOnce: { note(.atOnce) })
        kill(getpid(), SIGUSR1)
        #expect(wait(for: 1) == [.gently])
        #expect(!signals.isUrgent)
        kill(getpid(), SIGUSR2)
        #expect(wait(for: 3) == [.gently, .atOnce, .gaveUp])
        #expect(signals.isUrgent)
    }

    @Test func anActionThatHangsDoesNotKeepTheProgram() {
        let signals = signals(patience: .milliseconds(10))
        let events = events
        signals.call(
            gently: { note(.gently) },
            atOnce: { _ = events.wait(until: .after(Deadline.patience)) { $0.contains(.gaveUp) ? $0 : nil } }
        )
        kill(getpid(), SIGUSR1)
        #expect(wait(for: 1) == [.gently])
        kill(getpid(), SIGUSR2)
        #expect(wait(for: 2) == [.gently, .gaveUp])
    }

    @Test func signalsThatCameEarlyAreKept() {
        let signals = signals(patience: .seconds(3600))
        kill(getpid(), SIGUSR1)
        kill(getpid(), SIGUSR2)
        let haveCome = Polling.wait { signals.isUrgent }
        #expect(haveCome)
        signals.call(gently: { note(.gently) }, atOnce: { note(.atOnce) })
        #expect(wait(for: 2) == [.gently, .atOnce])
    }

    @Test func furtherSignalsChangeNothing() {
        let signals = signals(patience: .milliseconds(10))
        signals.call(gently: { note(.gently) }, atOnce: { note(.atOnce) })
        kill(getpid(), SIGUSR1)
        #expect(wait(for: 1) == [.gently])
        kill(getpid(), SIGUSR1)
        #expect(wait(for: 3) == [.gently, .atOnce, .gaveUp])
        for signal in [SIGUSR1, SIGUSR2] {
            kill(getpid(), signal)
        }
        #expect(signals.isUrgent)
        #expect(wait(for: 3) == [.gently, .atOnce, .gaveUp])
    }
}
