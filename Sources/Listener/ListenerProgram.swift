import Glibc
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Shared
import UnixSignals

/// Puts the listener's services together and runs them until a signal, or until one of them fails.
struct ListenerProgram {
    /// When a service does not end by itself after SIGTERM.
    private static let shutdownPatience = Duration.seconds(10)

    private let configuration: ListenerConfiguration

    init(_ configuration: ListenerConfiguration) {
        self.configuration = configuration
    }

    /// - Throws: ``SettingError`` when a file or address cannot be used.
    func run() async throws {
        DescriptorLimit.raise()
        var logger = Logger(label: "sw-listener", factory: StreamLogHandler.standardError(label:))
        logger.logLevel = configuration.logLevel
        let tls = try tlsConfiguration()
        // The data path has a loop of its own, so that no API request and no SCEP question delays a packet.
        let dataGroup = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let controlGroup = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        do {
            try await serve(tls, dataGroup.next(), controlGroup, logger)
        } catch {
            await shutDown(dataGroup, controlGroup)
            throw error
        }
        await shutDown(dataGroup, controlGroup)
        logger.info("stopped")
    }

    private func serve(
        _ tls: TLSConfiguration,
        _ dataLoop: any EventLoop,
        _ controlGroup: any EventLoopGroup,
        _ logger: Logger
    ) async throws {
        let registry = try await dataLoop.submit { NIOLoopBound(SessionRegistry(), eventLoop: dataLoop) }.get()
        let forwards = forwardTable(registry, dataLoop, logger)
        let api = APIService(
            forwards: forwards,
            address: configuration.apiAddress,
            eventLoopGroup: controlGroup,
            logger: logger
        )
        try api.checkAddress()
        let socket = try await QUICListenerService.bind(configuration.quicAddress, on: dataLoop)
        var services: [any Service] = []
        var authorization = CertificateAuthorization.commonName
        if let scep = configuration.scep {
            let authorizer = SCEPAuthorizer(
                endpoint: scep.endpoint,
                timeout: scep.timeout,
                eventLoopGroup: controlGroup
            )
            authorization = .scep(authorizer)
            services.append(authorizer)
        }
        let policy = SessionPolicy(
            authorization: authorization,
            recheckInterval: configuration.scep?.recheckInterval,
            visitorWait: configuration.visitorWait
        )
        let limits = HalfOpenLimits(
            retryThreshold: configuration.retryThreshold,
            maximum: configuration.maxHalfOpenHandshakes
        )
        services.append(
            QUICListenerService(
                eventLoop: dataLoop,
                socket: socket,
                tls: tls,
                limits: limits,
                policy: policy,
                registry: registry,
                logger: logger
            )
        )
        services.append(ForwardService(forwards: forwards))
        services.append(api)
        try await run(services, logger)
    }

    private func run(_ services: [any Service], _ logger: Logger) async throws {
        var groupLogger = logger
        groupLogger.logLevel = max(logger.logLevel, .critical)
        var configuration = ServiceGroupConfiguration(
            services: services,
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: groupLogger
        )
        configuration.maximumGracefulShutdownDuration = Self.shutdownPatience
        try await ServiceGroup(configuration: configuration).run()
    }

    private func forwardTable(
        _ registry: NIOLoopBound<SessionRegistry>,
        _ dataLoop: any EventLoop,
        _ logger: Logger
    ) -> ForwardTable {
        ForwardTable(
            eventLoop: dataLoop,
            bindAddress: configuration.forwardAddress,
            isSessionLive: { uid in
                do {
                    return try await dataLoop.submit { registry.value.liveSession(for: uid) != nil }.get()
                } catch {
                    return false  // the loop is shutting down
                }
            },
            adoptVisitor: { visitor, forward in
                guard let session = registry.value.liveSession(for: forward.uid) else {
                    visitor.abort()
                    return visitor.eventLoop.makeFailedFuture(ForwardError.unknownClientUID(forward.uid))
                }
                return session.adopt(visitor, target: forward.target)
            },
            logger: logger
        )
    }

    private func tlsConfiguration() throws(SettingError) -> TLSConfiguration {
        let files = try TLSFiles(
            certificate: configuration.certificateFile,
            privateKey: configuration.privateKeyFile,
            authorities: configuration.clientCAFile
        )
        return TLSConfiguration(
            credentials: files.credentials,
            anchors: files.anchors,
            expectation: .client,
            wallClock: { Int64(time(nil)) }
        )
    }

    private func shutDown(_ groups: MultiThreadedEventLoopGroup...) async {
        for group in groups {
            do {
                try await group.shutdownGracefully()
            } catch {
                // The process ends next: there is nothing left to free.
            }
        }
    }
}
