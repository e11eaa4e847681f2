import ArgumentParser
import Logging
import Shared

/// `sw-connector`: dials the listener over QUIC and relays its streams to targets.
@main
struct ConnectorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sw-connector",
        abstract: "Dials the listener over QUIC and relays its visitors to targets in this network.",
        discussion: """
            The settings file is a JSON object:
              client_cert_path, client_key_path  the client's PEM certificate chain and private key (required)
              ca_cert_path                       PEM CA certificates that the listener's must lead to (required)
              server_name, service_port          the listener: dialled, and demanded in its certificate (required)
              dial_timeout                       seconds that a target may take to answer (10)
              max_relays                         relays at one time (20000)
              log_level                          error, warn, info, debug or trace (info)
            Paths in it are relative to its folder first, then to the working directory.

            Exit status: 0 after SIGTERM or SIGINT, 1 when it cannot start, is refused or loses the listener, 64 for wrong
            usage.
            """,
        version: "sw-connector \(Version.current)"
    )

    @Option(name: .customLong("settings"), help: ArgumentHelp("The settings file.", valueName: "path"))
    var settings: String?

    @Argument(help: ArgumentHelp("The settings file, as the original takes it.", valueName: "path"))
    var settingsArgument: String?

    func validate() throws {
        if settings != nil && settingsArgument != nil {
            throw ValidationError("Give the settings file once: as an argument or with --settings.")
        }
    }

    func run() async throws {
        do {
            let path = settings ?? settingsArgument ?? "settings.json"
            let configuration = try ConnectorConfiguration(settingsPath: path)
            try await ConnectorProgram(configuration).run()
        } catch is ConnectorFailure {
            throw ExitCode.failure  // logged already
        } catch {
            ProgramExit.complain(program: "sw-connector", error)
            throw ExitCode.failure
        }
    }
}
