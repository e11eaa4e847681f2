import Logging
import NIOCore
import ServiceLifecycle
import Shared

/// Puts the connector's service together and runs it until a signal, or a failure that no retry can mend.
struct ConnectorProgram {
    private let configuration: ConnectorConfiguration

    init(_ configuration: ConnectorConfiguration) {
        self.configuration = configuration
    }

    /// - Throws: ``SettingError`` when a file cannot be used; ``ConnectorFailure``, logged, when there is no session.
    func run() async throws {
        try await DaemonProgram.run(name: "sw-connector", logLevel: configuration.logLevel) { program in
            let tls = try TLSConfiguration(
                certificate: configuration.certificateFile,
                privateKey: configuration.privateKeyFile,
                authorities: configuration.serverCAFile,
                expectation: .server(configuration.serverName)
            )
            if let warning = configuration.targetPolicy.warning {
                program.logger.warning("\(warning)")
            }
            let service = ConnectorService(
                configuration,
                tls: tls,
                eventLoop: program.dataLoop,
                logger: program.logger,
                report: { [notifier = program.notifier] status in notifier.status(status) }
            )
            // Ready without a session too: it goes on dialling whatever the listener does.
            program.notifier.ready(status: service.dialling)
            try await program.serve(
                [.init(service: service, successTerminationBehavior: .gracefullyShutdownGroup)],
                drain: configuration.drainTimeout,
                atOnce: { service.endNow() }
            )
        }
    }
}
