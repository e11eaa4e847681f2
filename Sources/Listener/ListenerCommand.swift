import ArgumentParser
import Glibc
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Shared

/// `sw-listener`: awaits connectors over QUIC and opens TCP ports to what they reach.
@main
struct ListenerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sw-listener",
        abstract: "Awaits connectors over QUIC and opens TCP ports to what they reach.",
        discussion: """
            Configured by the environment:
              SWL_CERT_PATH, SWL_KEY_PATH  the listener's PEM certificate chain and private key (required)
              SWL_CA_PATH                  PEM CA certificates that client certificates must lead to (required)
              SWL_ADDRS, SWL_PORT          where connectors dial, UDP (0.0.0.0, 11443; port 0: any free)
              APIS_ADDRS, APIS_PORT        where the control API answers, TCP (127.0.0.1, 8080; port 0: any free)
              SWL_FORWARD_ADDRS            where opened ports listen (0.0.0.0)
              SWL_SCEP_URL                 asks this server for the client UID (unset: the certificate's common name)
              SWL_SCEP_TIMEOUT             seconds for one question (5)
              SWL_SCEP_RECHECK             seconds between questions about a live session (300; 0: never)
              SWL_MAX_HALF_OPEN            handshakes in progress at most (1000)
              SWL_RETRY_THRESHOLD          handshakes in progress above which addresses are validated (100)
              SWL_STATE_PATH               keeps forwards, keys and sessions over a restart (sw-listener.sqlite)
              SWL_KEEP_ALIVE               seconds of silence before a connector is asked for a sign of life (10)
              SWL_DEAD_AFTER               seconds of silence before a connector is given up (30)
              SWL_CONGESTION_CONTROL       how fast to send: cubic, bbr, bbr2 or reno (bbr2)
              SWL_TAKEOVER                 two connectors with one client UID: probe or newest (probe)
              SWL_TAKEOVER_PROBE           seconds that the first of them may take to answer (1)
              SWL_VISITOR_WAIT             seconds that a visitor waits for a session or a stream (5)
              SWL_MAX_WAITING_VISITORS     visitors that may wait for one connector (4096)
              SWL_DRAIN                    seconds that relays have to finish after SIGTERM (30)
              SWL_COME_BACK                seconds until connectors should come back after that (1)
              SWL_LOG_LEVEL                error, warn, info, debug or trace (info)

            SIGTERM lets relays finish; a second one ends at once.
            Exit status: 0 after SIGTERM or SIGINT, 1 when it cannot start or go on, 64 for wrong usage.
            """,
        version: "sw-listener \(Version.current)"
    )

    func run() async throws {
        do {
            let configuration = try ListenerConfiguration(environment: ProcessEnvironment.current)
            try await ListenerProgram(configuration).run()
        } catch {
            ProgramExit.complain(program: "sw-listener", error)
            throw ExitCode.failure
        }
    }
}
