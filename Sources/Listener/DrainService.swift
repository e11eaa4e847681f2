import Logging
import NIOCore
import ServiceLifecycle
import Shared

/// Ends the listener's work gently: no new visitors, every connector is told, and relays have their time to finish.
///
/// The first of the services to be shut down; when it is done, no forward listens and no visitor is left. Forwards stay in
/// the state: they are opened again at the next start.
struct DrainService: Service {
    /// How often it looks whether relays are left.
    private static let interval = Duration.milliseconds(20)

    let forwards: ForwardTable
    let registry: NIOLoopBound<SessionRegistry>
    let dataLoop: any EventLoop
    /// How long relays have to finish.
    let drainTime: TimeAmount
    let logger: Logger

    func run() async throws {
        do {
            try await gracefulShutdown()
        } catch is CancellationError {
            // Another service failed, or a second signal came: the same, without patience.
        }
        await forwards.stopAccepting()
        await onDataLoop { $0.drain() }
        let left = await forwards.openRelayCount()
        if left > 0 {
            logger.info("waiting for relays to finish", metadata: [LogKeys.count: "\(left)"])
        }
        await waitUntilIdle()
        await forwards.endVisitors()
    }

    private func waitUntilIdle() async {
        let deadline = ContinuousClock.now + .nanoseconds(drainTime.nanoseconds)
        while await !isIdle() {
            guard ContinuousClock.now < deadline else {
                let left = await forwards.openRelayCount()
                logger.warning("relays did not finish in time", metadata: [LogKeys.count: "\(left)"])
                return
            }
            do {
                try await Task.sleep(for: Self.interval)
            } catch {
                return  // at once
            }
        }
    }

    // Visitors may outlive their session: its last bytes for them, when all have arrived here.
    private func isIdle() async -> Bool {
        let sessionsAreIdle = await onDataLoop { registry in
            registry.closeIdleSessions()
            return registry.isIdle
        }
        guard sessionsAreIdle else { return false }
        return await forwards.openRelayCount() == 0
    }

    private func onDataLoop<Value: Sendable>(_ body: @escaping @Sendable (SessionRegistry) -> Value) async -> Value {
        do {
            return try await dataLoop.submit { body(registry.value) }.get()
        } catch {
            preconditionFailure("the data loop outlives every service: \(error)")
        }
    }
}
