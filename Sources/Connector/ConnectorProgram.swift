import Glibc
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Shared
import UnixSignals

/// Puts the connector's service together and runs it until a signal, or until its session is over.
struct ConnectorProgram {
    private let configuration: ConnectorConfiguration

    init(_ configuration: ConnectorConfiguration) {
        self.configuration = configuration
    }

    /// - Throws: ``SettingError`` when a file cannot be used; ``ConnectorFailure``, logged, when there is no session.
    func run() async throws {
        DescriptorLimit.raise()
        var logger = Logger(label: "sw-connector", factory: StreamLogHandler.standardError(label:))
        logger.logLevel = configuration.logLevel
        let tls = try tlsConfiguration()
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let service = ConnectorService(configuration, tls: tls, eventLoop: group.next(), logger: logger)
        do {
            try await serve(service, logger)
        } catch {
            await shutDown(group)
            throw error
        }
        await shutDown(group)
        logger.info("stopped")
    }

    private func serve(_ service: ConnectorService, _ logger: Logger) async throws {
        var groupLogger = logger
        groupLogger.logLevel = .critical
        let configuration = ServiceGroupConfiguration(
            services: [
                .init(service: service, successTerminationBehavior: .gracefullyShutdownGroup)
            ],
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: groupLogger
        )
        try await ServiceGroup(configuration: configuration).run()
    }

    private func tlsConfiguration() throws(SettingError) -> TLSConfiguration {
        let files = try TLSFiles(
            certificate: configuration.certificateFile,
            privateKey: configuration.privateKeyFile,
            authorities: configuration.serverCAFile
        )
        return TLSConfiguration(
            credentials: files.credentials,
            anchors: files.anchors,
            expectation: .server(configuration.serverName),
            wallClock: { Int64(time(nil)) }
        )
    }

    private func shutDown(_ group: MultiThreadedEventLoopGroup) async {
        do {
            try await group.shutdownGracefully()
        } catch {
            // The process ends next: there is nothing left to free.
        }
    }
}
