import ServiceLifecycle

/// Ties the forwards to the life of the listener: at shutdown every port is closed and every relay aborted.
package struct ForwardService: Service {
    private let forwards: ForwardTable

    package init(forwards: ForwardTable) {
        self.forwards = forwards
    }

    package func run() async throws {
        do {
            try await gracefulShutdown()
        } catch is CancellationError {
            // Another service failed; the ports are closed all the same.
        }
        await forwards.closeAll()
    }
}
