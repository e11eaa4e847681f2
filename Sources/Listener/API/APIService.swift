import Glibc
import Hummingbird
import HummingbirdCore
package import Logging
package import NIOCore
import NIOHTTP1
import ServiceLifecycle
import Shared

/// Serves the control API over HTTP/1.1 until shutdown. One per listener; requests in progress are answered before it ends.
package struct APIService: Service {
    /// Far above what operators and their scripts need; what is above waits in the backlog.
    private static let maxConnections = 256

    private static let idleTimeout = TimeAmount.seconds(60)

    private let forwards: ForwardTable
    private let sessions: @Sendable () async -> [SessionStatus]
    private let address: SocketAddress
    private let eventLoopGroup: any EventLoopGroup
    private let logger: Logger
    private let onListening: @Sendable () -> Void

    /// - Parameters:
    ///   - sessions: The sessions that are live or draining, in any order.
    ///   - address: Where to listen: `ListenerConfiguration.apiAddress`. Port zero means any free port.
    ///   - eventLoopGroup: Carries the connections; must outlive ``run()``.
    ///   - onListening: Called when the API answers, not on an event loop.
    package init(
        forwards: ForwardTable,
        sessions: @escaping @Sendable () async -> [SessionStatus],
        address: SocketAddress,
        eventLoopGroup: any EventLoopGroup,
        logger: Logger,
        onListening: @escaping @Sendable () -> Void = {}
    ) {
        self.forwards = forwards
        self.sessions = sessions
        self.address = address
        self.eventLoopGroup = eventLoopGroup
        self.logger = logger
        self.onListening = onListening
    }

    /// Whether the address can be had: asked before anything else listens, so that a listener that nobody can command
    /// does not come up for connectors either.
    ///
    /// - Throws: ``SettingError`` naming `APIS_ADDRS` or `APIS_PORT`.
    func checkAddress() throws(SettingError) {
        let code = StreamSocketProbe.bind(to: address)
        guard code == 0 else { throw settingError(for: SystemErrorCode(code)) }
    }

    /// Logs `control API listening` with the real address once it does.
    ///
    /// - Throws: ``SettingError`` naming `APIS_ADDRS` or `APIS_PORT` when the address cannot be had.
    package func run() async throws {
        let responder = ControlAPI(forwards: forwards, sessions: sessions).router().buildResponder()
        let logger = frameworkLogger
        do {
            try await server { request, writer, channel in
                let context = BasicRequestContext(source: .init(channel: channel, logger: logger))
                var response: Response
                do {
                    response = try await responder.respond(to: request, context: context)
                } catch let error as HTTPParserError {
                    throw error
                } catch {
                    logger.debug("request failed", metadata: [LogKeys.error: "\(error)"])
                    response = Response(status: .internalServerError)
                }
                response.headers[.date] = "\(HTTPDate.now)"
                let body = try await writer.writeHead(response.head)
                try await response.body.write(body)
            }.run()
        } catch let error as IOError {
            throw settingError(for: SystemErrorCode(error.errnoCode))
        }
    }

    /// Not Hummingbird's `Application`, which wakes up every second to have the date at hand for a response.
    private func server(_ respond: @escaping HTTPChannelHandler.Responder) throws -> any Service {
        try HTTPServerBuilder.http1(configuration: .init(idleTimeout: Self.idleTimeout)).buildServer(
            configuration: ServerConfiguration(
                address: .hostname(address.ipAddress ?? "", port: address.port ?? 0),
                availableConnectionsDelegate: .maximum(Self.maxConnections, logger: frameworkLogger)
            ),
            eventLoopGroup: eventLoopGroup,
            logger: frameworkLogger,
            responder: respond,
            onServerRunning: { [logger, onListening] channel in
                let address = channel.localAddress?.hostAndPort ?? "unknown"
                logger.info("control API listening", metadata: [LogKeys.apiAddress: "\(address)"])
                onListening()
            }
        )
    }

    /// The framework's own view of its life is for those who asked for details.
    private var frameworkLogger: Logger {
        var framework = logger
        framework.logLevel = logger.logLevel <= .debug ? logger.logLevel : max(logger.logLevel, .warning)
        return framework
    }

    private func settingError(for code: SystemErrorCode) -> SettingError {
        let host = address.ipAddress ?? "\(address)"
        let port = "\(address.port ?? 0)"
        switch code.rawValue {
        case EADDRINUSE:
            return SettingError(
                setting: "APIS_PORT",
                value: port,
                problem: "is in use on \(host)",
                remedy: "stop the program that uses it, or set APIS_PORT to another port"
            )
        case EACCES, EPERM:
            return SettingError(
                setting: "APIS_PORT",
                value: port,
                problem: "may not be used: \(code)",
                remedy: "set it to a port above 1023"
            )
        default:
            return SettingError(
                setting: "APIS_ADDRS",
                value: host,
                problem: "cannot be listened on: \(code)",
                remedy: "set it to an address of this machine"
            )
        }
    }
}
