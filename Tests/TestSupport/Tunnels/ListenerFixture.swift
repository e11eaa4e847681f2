/// A running listener on free ports, ready for connectors and for requests to its control API.
package final class ListenerFixture: Sendable {
    /// What to start it with. The defaults make one that takes the clients of `ThrowAwayPKI.perRun()`.
    package struct Options: Sendable {
        package var certificate = CertificateRequest.server()
        /// The file with the roots that it trusts; `nil` is that of `ThrowAwayPKI.perRun()`.
        package var caPath: String?
        /// Settings besides the certificates, over the defaults of the tests.
        package var environment: [String: String] = [:]
        /// `ulimit -n` of the process.
        package var openFileLimit: Int?

        package init() {}
    }

    package let process: DaemonProcess
    /// Where connectors dial it.
    package let quicEndpoint: HostPort
    package let api: ControlAPIClient

    package init(_ options: Options = Options()) throws {
        process = try DaemonProcess(
            .listener,
            environment: try Self.environment(options),
            openFileLimit: options.openFileLimit
        )
        let quic = try process.waitForLine(containing: "listening for connectors")
        quicEndpoint = try HostPort(parsing: quic.metadata("quic.address"))
        let api = try process.waitForLine(containing: "control API listening")
        self.api = ControlAPIClient(endpoint: try HostPort(parsing: api.metadata("api.address")))
    }

    /// The whole environment of a listener with these options, for tests that start one that is to fail.
    package static func environment(_ options: Options = Options()) throws -> [String: String] {
        let pki = try ThrowAwayPKI.perRun()
        let files = try pki.certificate(options.certificate)
        let folder = try ScratchFolder("listener")
        let defaults = [
            "SWL_CERT_PATH": files.certificatePath,
            "SWL_KEY_PATH": files.keyPath,
            "SWL_CA_PATH": options.caPath ?? pki.caPath,
            "SWL_ADDRS": "127.0.0.1",
            "SWL_PORT": "0",
            "SWL_FORWARD_ADDRS": "127.0.0.1",
            "APIS_ADDRS": "127.0.0.1",
            "APIS_PORT": "0",
            // Not the program's default: a test that leaves relays open does not want to wait for them.
            "SWL_DRAIN": "0",
            "SWL_STATE_PATH": folder.file("state.sqlite"),
        ]
        return defaults.merging(options.environment) { $1 }
    }

    /// Opens a forward on a free port and returns the port.
    package func open(uid: String, target: HostPort) throws -> Int {
        struct Opened: Decodable {
            let port: Int
        }
        let response = try api.open(uid: uid, port: 0, target: target, accept: "application/json")
        guard response.status == 200 else { throw UnexpectedResponse(response) }
        return try response.decoded(as: Opened.self).port
    }

    /// Waits until a session of `uid` has been admitted `count` times.
    package func waitForSession(uid: String, count: Int = 1) throws {
        let admitted = try Polling.wait {
            try process.lines(containing: "session admitted").filter { try $0.metadata("client.uid") == uid }.count
                >= count
        }
        guard admitted else {
            throw ProcessError.noSuchLine(
                process: process.name,
                wanted: ["session admitted", uid],
                exit: nil,
                log: process.recentLog
            )
        }
    }
}
