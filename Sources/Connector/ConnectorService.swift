import Logging
import NIOCore
import ServiceLifecycle
import Shared

/// Keeps a session with the listener until shutdown, or until a failure that no retry can mend.
///
/// Everything below lives on one event loop; the service itself may be used from any task.
struct ConnectorService: Service {
    /// Far below the 333 ms that RFC 9002 §6.2.2 recommends: a first packet that is lost, or comes before the listener
    /// listens, is sent again after 45 ms, and then after twice as long each time. A path with a round trip of 50 ms
    /// carries one packet too many for that, a satellite's with 600 ms three; the first answer ends it.
    static let initialRoundTrip = TimeAmount.milliseconds(15)

    private let eventLoop: any EventLoop
    private let keeper: NIOLoopBoundBox<SessionKeeper?>
    private let listener: SessionKeeper.Listener
    private let policy: ListenerSessionPolicy
    private let logger: Logger
    private let report: @Sendable (String) -> Void

    /// - Parameters:
    ///   - eventLoop: carries the data path.
    ///   - report: told in a few words what the connector is doing.
    init(
        _ configuration: ConnectorConfiguration,
        tls: TLSConfiguration,
        eventLoop: any EventLoop,
        logger: Logger,
        report: @escaping @Sendable (String) -> Void
    ) {
        self.eventLoop = eventLoop
        self.logger = logger
        self.report = report
        keeper = .makeBoxSendingValue(nil, eventLoop: eventLoop)
        let resolver = HostResolver()
        var transport = TransportSettings.tunnel(configuration.protocols, silenceLimit: configuration.deadAfter)
        transport.maximumPeerStreams = configuration.maxRelays
        transport.initialRoundTrip = Self.initialRoundTrip
        transport.congestionController = configuration.congestionController
        listener = SessionKeeper.Listener(
            name: configuration.serverName,
            port: configuration.servicePort,
            transport: transport,
            tls: tls,
            resolver: resolver
        )
        policy = ListenerSessionPolicy(
            instance: .random(),
            targets: TargetDialer(
                timeout: configuration.dialTimeout,
                policy: configuration.targetPolicy,
                hosts: resolver
            ),
            maxRelays: configuration.maxRelays,
            keepAlive: configuration.keepAlive,
            silenceLimit: configuration.deadAfter,
            drainTime: configuration.drainTimeout
        )
    }

    /// The status of a connector that has no session yet, for the service manager.
    var dialling: String { listener.dialling }

    /// - Throws: ``ConnectorFailure``, which has been logged.
    func run() async throws {
        try await withGracefulShutdownHandler {
            try await eventLoop.flatSubmit {
                let keeper = SessionKeeper(
                    listener: listener,
                    policy: policy,
                    eventLoop: eventLoop,
                    logger: logger,
                    report: report
                )
                self.keeper.value = keeper
                return keeper.run().always { _ in self.keeper.value = nil }
            }.get()
        } onGracefulShutdown: {
            eventLoop.execute { keeper.value?.shutDown() }
        }
    }

    /// Ends the session without waiting for relays.
    func endNow() {
        eventLoop.execute { keeper.value?.shutDownNow() }
    }
}
