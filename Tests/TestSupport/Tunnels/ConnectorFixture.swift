import Foundation

/// A connector, started with a settings file of its own; whether it got through is the test's matter.
package final class ConnectorFixture: Sendable {
    /// What to start it with. The defaults make a good client of a listener that `ListenerFixture` started.
    package struct Options: Sendable {
        package var certificate = CertificateRequest.client("client-a")
        /// The file with the roots that it trusts; `nil` is that of `ThrowAwayPKI.perRun()`.
        package var caPath: String?
        package var serverName = "localhost"
        /// In seconds.
        package var dialTimeout: Double?
        package var allowTargets: [String]?
        package var denyTargets: [String]?
        /// The one protocol that it offers; `nil` = both, as by default.
        package var applicationProtocol: TunnelProtocol?
        /// In seconds. Not the program's default: a test that leaves relays open does not want to wait for them.
        package var drainTimeout = 0.0
        /// In seconds.
        package var keepAlive: Double?
        /// In seconds.
        package var deadAfter: Double?
        /// Its environment, for what no settings file says.
        package var environment: [String: String] = [:]
        /// The network namespace to run it in; `nil` is that of the tests.
        package var network: NetworkNamespace?

        package init() {}

        package init(speaking applicationProtocol: TunnelProtocol) {
            self.applicationProtocol = applicationProtocol
        }

        package init(uid: String) {
            certificate = .client(uid)
        }
    }

    /// The settings file; members that are `nil` are left out.
    package struct Settings: Encodable {
        package var clientCertPath: String
        package var clientKeyPath: String
        package var caCertPath: String
        package var serverName: String
        package var servicePort: Int
        package var dialTimeout: Double?
        package var allowTargets: [String]?
        package var denyTargets: [String]?
        package var `protocol`: TunnelProtocol?
        package var drainTimeout: Double?
        package var keepAlive: Double?
        package var deadAfter: Double?

        /// The file's text.
        package func json() throws -> String {
            let encoder = JSONEncoder()
            encoder.keyEncodingStrategy = .convertToSnakeCase
            return String(decoding: try encoder.encode(self), as: UTF8.self)
        }
    }

    package let process: DaemonProcess
    private let folder: ScratchFolder

    /// Starts a connector that dials `listenerPort`.
    package init(_ options: Options = Options(), listenerPort: Int) throws {
        let folder = try ScratchFolder("connector")
        let path = try Self.write(try Self.settings(options, listenerPort: listenerPort), in: folder)
        self.folder = folder
        process = try DaemonProcess(
            .connector,
            arguments: [path],
            environment: options.environment,
            workingDirectory: folder.path,
            network: options.network
        )
    }

    /// The settings that make such a connector.
    package static func settings(_ options: Options = Options(), listenerPort: Int) throws -> Settings {
        let pki = try ThrowAwayPKI.perRun()
        let files = try pki.certificate(options.certificate)
        return Settings(
            clientCertPath: files.certificatePath,
            clientKeyPath: files.keyPath,
            caCertPath: options.caPath ?? pki.caPath,
            serverName: options.serverName,
            servicePort: listenerPort,
            dialTimeout: options.dialTimeout,
            allowTargets: options.allowTargets,
            denyTargets: options.denyTargets,
            protocol: options.applicationProtocol,
            drainTimeout: options.drainTimeout,
            keepAlive: options.keepAlive,
            deadAfter: options.deadAfter
        )
    }

    /// Writes `settings.json` into `folder` and returns its path.
    package static func write(_ settings: Settings, in folder: ScratchFolder) throws -> String {
        try folder.write(try settings.json(), to: "settings.json")
    }

    /// Waits until it says that it is connected. (The listener may still refuse it then.)
    package func waitUntilConnected() throws {
        try process.waitForLine(containing: "connected to the listener")
    }
}
