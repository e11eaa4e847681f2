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
              allow_targets, deny_targets        what the listener may have dialled: names, addresses, blocks, ports
              keep_alive, dead_after             seconds of silence before a PING (10), and before giving up (30)
              congestion_control                 how fast to send: cubic, bbr, bbr2 or reno (bbr2)
              drain_timeout                      seconds that relays have to finish after SIGTERM (30)
              protocol                           warp/1 or hq-29 (either)
              log_level                          error, warn, info, debug or trace (info)
            Paths in it are relative to its folder first, then to the working directory.

            SIGTERM lets relays finish; a second one ends at once. A lost listener is dialled again, for ever.
            Exit status: 0 after SIGTERM or SIGINT, 1 when it cannot start or is refused for good, 64 for wrong usage.
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
