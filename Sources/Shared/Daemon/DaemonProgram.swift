internal import Dispatch
internal import Glibc
package import Logging
package import NIOCore
internal import NIOPosix
package import ServiceLifecycle

/// The frame around both programs: limits, log, event loop, service manager, signals, and the way out.
///
/// SIGTERM or SIGINT ends the services gently, a second one at once. Made by ``run(name:logLevel:environment:_:)``.
package struct DaemonProgram: Sendable {
    /// How much longer than their drain time the services may take to end, before they are cancelled.
    private static let shutdownMargin = Duration.seconds(10)
    /// How long a process that was asked twice may write its last line: it may be the log that hangs.
    private static let lastWords = DispatchTimeInterval.milliseconds(100)

    package let logger: Logger
    package let notifier: ServiceNotifier
    /// Carries the data path, alone.
    package let dataLoop: any EventLoop
    private let signals: ShutdownSignals

    /// Sets everything up, runs `body`, and takes it all down when that returns or throws.
    ///
    /// - Parameters:
    ///   - name: the program's, with which each line of its log begins.
    ///   - environment: where the service manager says what it wants.
    ///   - body: reads what it needs, then calls ``serve(_:drain:atOnce:)``; its errors are passed on.
    package static func run(
        name: String,
        logLevel: Logger.Level,
        environment: [String: String] = ProcessEnvironment.current,
        _ body: (DaemonProgram) async throws -> Void
    ) async throws {
        DescriptorLimit.raise()
        var logger = Logger(label: name, factory: StreamLogHandler.standardError(label:))
        logger.logLevel = logLevel
        let signals = ShutdownSignals { [logger] in endAtOnce(logger) }
        let notifier = ServiceNotifier(environment: environment, logger: logger)
        try await MultiThreadedEventLoopGroup.withEventLoopGroup(numberOfThreads: 1) { group in
            let dataLoop = group.next()
            notifier.feedWatchdog(on: dataLoop)
            dataLoop.execute { TimeSlice.request(TimeSlice.ofDataPath) }
            MemoryKeeper.start(on: dataLoop)
            try await body(DaemonProgram(logger: logger, notifier: notifier, dataLoop: dataLoop, signals: signals))
        }
        logFarewell(logger, isUrgent: signals.isUrgent)
    }

    /// Runs the services until a signal, or until they end by themselves.
    ///
    /// - Parameters:
    ///   - services: in the order in which they start; they are shut down gracefully in the reverse order, one by one.
    ///   - drain: how long graceful shutdown takes at most, if all is well. What takes much longer is cancelled.
    ///   - atOnce: called at the second signal, when the services are cancelled too: drops what graceful shutdown waits
    ///     for. Must return soon. The process ends within a second, whatever becomes of it.
    /// - Throws: the error of the first service that failed.
    package func serve(
        _ services: [ServiceGroupConfiguration.ServiceConfiguration],
        drain: TimeAmount,
        atOnce: @escaping @Sendable () -> Void = {}
    ) async throws {
        var groupLogger = logger
        groupLogger.logLevel = .critical
        // No signals: the group would see only the first.
        var configuration = ServiceGroupConfiguration(services: services, logger: groupLogger)
        configuration.maximumGracefulShutdownDuration = .nanoseconds(drain.nanoseconds) + Self.shutdownMargin
        let group = ServiceGroup(configuration: configuration)
        let running = Task { try await group.run() }
        signals.call {
            Task {
                logger.info("shutting down")
                notifier.stopping()
                await group.triggerGracefulShutdown()
            }
        } atOnce: {
            running.cancel()
            atOnce()
        }
        do {
            try await running.value
        } catch  where signals.isUrgent {
            // They were cut off: how they took it is of no interest.
        }
    }

    /// The last resort, when something hangs: no loop is stopped and nothing is freed.
    private static func endAtOnce(_ logger: Logger) {
        DispatchQueue(label: "socket-warp.end").asyncAfter(deadline: .now() + lastWords) { _exit(0) }
        logFarewell(logger, isUrgent: true)
        _exit(0)
    }

    private static func logFarewell(_ logger: Logger, isUrgent: Bool) {
        logger.info(isUrgent ? "stopped at once: a second signal" : "stopped")
    }
}
