import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Shared

/// Puts the listener's services together and runs them until a signal, or until one of them fails.
struct ListenerProgram {
    /// What has to listen before the listener is ready.
    private enum Part: CaseIterable {
        case connectors
        case controlAPI
    }

    private let configuration: ListenerConfiguration

    init(_ configuration: ListenerConfiguration) {
        self.configuration = configuration
    }

    /// - Throws: ``SettingError`` when a file or address cannot be used.
    func run() async throws {
        try await DaemonProgram.run(name: "sw-listener", logLevel: configuration.logLevel) { program in
            // First of all: what connectors send from now on waits in the socket, and is not sent away by the kernel.
            let socket = try await QUICListenerService.bind(configuration.quicAddress, on: program.dataLoop)
            let tls = try TLSConfiguration(
                certificate: configuration.certificateFile,
                privateKey: configuration.privateKeyFile,
                authorities: configuration.clientCAFile,
                expectation: .client
            )
            // The data path has a loop of its own, so that no API request and no SCEP question delays a packet.
            try await MultiThreadedEventLoopGroup.withEventLoopGroup(numberOfThreads: 1) { controlGroup in
                try await serve(program, socket, tls, controlGroup)
            }
        }
    }

    private func serve(
        _ program: DaemonProgram,
        _ socket: NIOLoopBound<DatagramSocket>,
        _ tls: TLSConfiguration,
        _ controlGroup: any EventLoopGroup
    ) async throws {
        let (dataLoop, logger) = (program.dataLoop, program.logger)
        let scep = configuration.scep.map { scep in
            SCEPAuthorizer(endpoint: scep.endpoint, timeout: scep.timeout, eventLoopGroup: controlGroup)
        }
        let policy = sessionPolicy(scep)
        let (store, restored) = try ListenerState.open(configuration, logger: logger)
        let journal = SessionJournal(store: store, logger: logger)
        let registry = try await dataLoop.submit {
            NIOLoopBound(SessionRegistry(policy: policy, journal: journal), eventLoop: dataLoop)
        }.get()
        let forwards = forwardTable(registry, store, dataLoop, logger)
        let readiness = Readiness(awaiting: Set(Part.allCases)) { [notifier = program.notifier] in
            notifier.ready(status: "awaiting connectors")
        }
        let api = APIService(
            forwards: forwards,
            sessions: { await onDataLoop(dataLoop) { registry.value.statuses() } ?? [] },
            address: configuration.apiAddress,
            eventLoopGroup: controlGroup,
            logger: logger,
            onListening: { readiness.reached(.controlAPI) }
        )
        try api.checkAddress()
        // Before any connector can be back: its visitors may come first.
        await forwards.restore(restored.forwards)
        let quic = QUICListenerService(
            eventLoop: dataLoop,
            socket: socket,
            tls: tls,
            limits: HalfOpenLimits(
                retryThreshold: configuration.retryThreshold,
                maximum: configuration.maxHalfOpenHandshakes
            ),
            policy: policy,
            registry: registry,
            keys: restored.keys,
            lostSessions: restored.sessions,
            logger: logger,
            onListening: { readiness.reached(.connectors) }
        )
        let drain = DrainService(
            forwards: forwards,
            registry: registry,
            dataLoop: dataLoop,
            drainTime: policy.drainTime,
            logger: logger
        )
        // Shut down from the last to the first: the API tells the truth until the end.
        let services: [(any Service)?] = [scep, journal, api, quic, drain]
        try await program.serve(services.compactMap { $0.map { .init(service: $0) } }, drain: policy.drainTime)
        await store?.close()
    }

    private func sessionPolicy(_ scep: SCEPAuthorizer?) -> SessionPolicy {
        SessionPolicy(
            authorization: scep.map { .scep($0) } ?? .commonName,
            recheckInterval: configuration.scep?.recheckInterval,
            congestionController: configuration.congestionController,
            keepAlive: configuration.keepAlive,
            silenceLimit: configuration.deadAfter,
            takeover: configuration.takeover,
            probeTimeout: configuration.takeoverProbe,
            visitorWait: configuration.visitorWait,
            maximumWaitingVisitors: configuration.maxWaitingVisitors,
            drainTime: configuration.drain,
            comeBackAfter: configuration.comeBack
        )
    }

    private func forwardTable(
        _ registry: NIOLoopBound<SessionRegistry>,
        _ store: StateStore?,
        _ dataLoop: any EventLoop,
        _ logger: Logger
    ) -> ForwardTable {
        ForwardTable(
            eventLoop: dataLoop,
            bindAddress: configuration.forwardAddress,
            isSessionLive: { uid in await onDataLoop(dataLoop) { registry.value.isSessionLive(uid) } ?? false },
            adoptVisitor: { visitor, forward, meter in registry.value.adopt(visitor, forward, meter) },
            recorder: ForwardRecorder(store),
            logger: logger
        )
    }

    /// - Returns: nil when the loop is shutting down.
    private func onDataLoop<Value: Sendable>(
        _ dataLoop: any EventLoop,
        _ body: @escaping @Sendable () -> Value
    ) async -> Value? {
        do {
            return try await dataLoop.submit(body).get()
        } catch {
            return nil
        }
    }
}
