@preconcurrency internal import Dispatch
internal import Glibc
internal import Synchronization

/// Tells a program to end: gently at the first SIGTERM or SIGINT, at once at the second.
///
/// ```
///                 signal                    signal                     patience is over
///   untouched ───────────────▶ asked once ───────────────▶ asked twice ─────────────────▶ giveUp()
///                gently()                     atOnce()
/// ```
///
/// A signal that comes before ``call(gently:atOnce:)`` is kept for it. Runs on queues of its own, so that a person can end
/// a program whose event loops and tasks hang. One for each process.
package final class ShutdownSignals: Sendable {
    private struct Actions: Sendable {
        let gently: @Sendable () -> Void
        let atOnce: @Sendable () -> Void
    }

    private struct State {
        var signalCount = 0
        var actions: Actions?
    }

    private let queue = DispatchQueue(label: "socket-warp.shutdown-signals")
    /// Apart from `queue`, which an action may block.
    private let patienceQueue = DispatchQueue(label: "socket-warp.shutdown-patience")
    private let sources: [any DispatchSourceSignal]
    private let state = Mutex(State())
    private let patience: Duration
    private let giveUp: @Sendable () -> Void

    /// Takes the signals over; when it returns, none of them kills the process any more.
    ///
    /// - Parameters:
    ///   - patience: how long the program may take to end after the second signal.
    ///   - giveUp: called on a dispatch queue when it has not.
    package init(
        _ signals: [CInt] = [SIGTERM, SIGINT],
        patience: Duration = .milliseconds(900),
        giveUp: @escaping @Sendable () -> Void
    ) {
        self.patience = patience
        self.giveUp = giveUp
        sources = signals.map { [queue] in DispatchSource.makeSignalSource(signal: $0, queue: queue) }
        let registered = DispatchGroup()
        for source in sources {
            registered.enter()
            source.setRegistrationHandler { registered.leave() }
            source.setEventHandler { [weak self] in self?.received() }
            source.resume()
        }
        registered.wait()
    }

    deinit {
        for source in sources {
            source.cancel()
        }
    }

    /// Whether a second signal has come.
    package var isUrgent: Bool { state.withLock { $0.signalCount > 1 } }

    /// Sets what the first and the second signal do. Each is called at most once, and must return soon; at once for what
    /// has come already.
    package func call(gently: @escaping @Sendable () -> Void, atOnce: @escaping @Sendable () -> Void) {
        let count = state.withLock { state in
            state.actions = Actions(gently: gently, atOnce: atOnce)
            return state.signalCount
        }
        if count > 0 { gently() }
        if count > 1 { atOnce() }
    }

    private func received() {
        let (count, actions) = state.withLock { state in
            state.signalCount += 1
            return (state.signalCount, state.actions)
        }
        switch count {
        case 1:
            actions?.gently()
        case 2:
            patienceQueue.asyncAfter(deadline: .now() + patience / .seconds(1)) { [giveUp] in giveUp() }
            actions?.atOnce()
        default:
            break
        }
    }
}
