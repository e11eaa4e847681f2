import Glibc
import Logging
import NIOCore
import ServiceLifecycle
import Shared

/// Awaits connectors on the listener's UDP port and keeps their sessions, until shutdown.
///
/// Everything below lives on one event loop; the service itself may be used from any task.
struct QUICListenerService: Service {
    private let eventLoop: any EventLoop
    private let socket: NIOLoopBound<DatagramSocket>
    private let tls: TLSConfiguration
    private let limits: HalfOpenLimits
    private let policy: SessionPolicy
    private let registry: NIOLoopBound<SessionRegistry>
    private let keys: EndpointKeys
    private let lostSessions: [StoredSession]
    private let logger: Logger
    private let onListening: @Sendable () -> Void

    /// When the connectors of lost sessions are told, and told again in case the datagram is lost.
    private static let resetTimes: [TimeAmount] = [.zero, .milliseconds(300)]

    /// - Parameters:
    ///   - eventLoop: carries the data path.
    ///   - socket: where connectors dial; see ``bind(_:on:)``.
    ///   - keys: what the endpoint before this one had, so that its connectors believe our stateless resets.
    ///   - lostSessions: the sessions that were live when a listener before this one ended.
    ///   - onListening: called when connectors can dial, not on an event loop.
    init(
        eventLoop: any EventLoop,
        socket: NIOLoopBound<DatagramSocket>,
        tls: TLSConfiguration,
        limits: HalfOpenLimits,
        policy: SessionPolicy,
        registry: NIOLoopBound<SessionRegistry>,
        keys: EndpointKeys,
        lostSessions: [StoredSession],
        logger: Logger,
        onListening: @escaping @Sendable () -> Void
    ) {
        self.eventLoop = eventLoop
        self.socket = socket
        self.tls = tls
        self.limits = limits
        self.policy = policy
        self.registry = registry
        self.keys = keys
        self.lostSessions = lostSessions
        self.logger = logger
        self.onListening = onListening
    }

    /// Binds the socket that connectors dial, before any service runs: an address that cannot be had is the only thing that
    /// the program says then.
    ///
    /// - Parameter address: port 0 = any free port.
    /// - Throws: ``SettingError`` naming `SWL_ADDRS` or `SWL_PORT` when the address cannot be had.
    static func bind(_ address: SocketAddress, on eventLoop: any EventLoop) async throws -> NIOLoopBound<DatagramSocket>
    {
        do {
            return try await eventLoop.submit {
                NIOLoopBound(try DatagramSocket(binding: address), eventLoop: eventLoop)
            }.get()
        } catch let error as IOError {
            throw settingError(for: error, address)
        }
    }

    /// Logs `listening for connectors` with the real address once it does.
    ///
    /// - Throws: ``SocketLost`` when the socket dies under it: without it, the listener had better be started again.
    func run() async throws {
        let transport = try await eventLoop.flatSubmit { openTransport() }.get()
        onListening()
        let isEnding = NIOLoopBoundBox.makeBoxSendingValue(false, eventLoop: eventLoop)
        try await withTaskCancellationOrGracefulShutdownHandler {
            try await eventLoop.flatSubmit { transport.value.closed }.get()
        } onCancelOrGracefulShutdown: {
            eventLoop.execute {
                isEnding.value = true
                sayGoodbye()
                transport.value.close()
            }
        }
        guard try await eventLoop.submit({ isEnding.value }).get() else { throw SocketLost() }
    }

    private var transportSettings: TransportSettings {
        var settings = TransportSettings.tunnel(silenceLimit: policy.silenceLimit)
        settings.maximumPeerStreams = 1  // the control stream
        settings.congestionController = policy.congestionController
        return settings
    }

    private func sayGoodbye() {
        for session in registry.value.sessions {
            session.closeForShutdown()
        }
    }

    private func openTransport() -> EventLoopFuture<NIOLoopBound<DatagramTransport>> {
        let acceptor = Acceptor(service: self)
        let boundAcceptor = NIOLoopBound(acceptor, eventLoop: eventLoop)
        return DatagramTransport.open(on: eventLoop, socket: socket.value, limits: limits, keys: keys) {
            attempt,
            path,
            now in acceptor.accept(attempt, path, now)
        }.map { transport in
            boundAcceptor.value.transport = transport.value
            let bound = transport.value.localAddress.hostAndPort
            logger.info("listening for connectors", metadata: [LogKeys.quicAddress: "\(bound)"])
            transport.value.logCappedBuffers(logger)
            tellLostSessions(transport.value)
            return transport
        }
    }

    // Their connectors may have nothing to send for a while, and would learn only then. One that does not come back is not
    // told again at the next start.
    private func tellLostSessions(_ transport: DatagramTransport) {
        for session in lostSessions {
            registry.value.forget(session)
        }
        for time in Self.resetTimes {
            eventLoop.assumeIsolated().scheduleTask(in: time) { [weak transport] in
                for session in lostSessions where registry.value.session(of: session.uid) == nil {
                    guard let id = QUICConnectionID(session.connectionID) else { continue }
                    transport?.sendStatelessReset(of: id, to: session.remoteAddress)
                }
            }
        }
    }

    private static func settingError(for error: IOError, _ address: SocketAddress) -> SettingError {
        let host = address.ipAddress ?? "\(address)"
        let code = SystemErrorCode(error.errnoCode)
        return switch error.errnoCode {
        case EADDRINUSE:
            SettingError(
                setting: "SWL_PORT",
                value: "\(address.port ?? 0)",
                problem: "is in use on \(host)",
                remedy: "stop the program that uses it, or set SWL_PORT to another UDP port"
            )
        case EACCES, EPERM:
            SettingError(
                setting: "SWL_PORT",
                value: "\(address.port ?? 0)",
                problem: "may not be used: \(code)",
                remedy: "set it to a port above 1023"
            )
        default:
            SettingError(
                setting: "SWL_ADDRS",
                value: host,
                problem: "cannot be listened on: \(code)",
                remedy: "set it to an address of this machine"
            )
        }
    }

    /// Makes connections of clients' first packets. Confined to the event loop.
    private final class Acceptor {
        weak var transport: DatagramTransport?
        private let service: QUICListenerService
        private var connectionCount = 0

        init(service: QUICListenerService) {
            self.service = service
        }

        func accept(_ attempt: ConnectionAttempt, _ path: NetworkPath, _ now: QUICTime) -> ConnectionDriver? {
            guard let transport, !service.registry.value.isDraining else { return nil }
            let connection: QUICConnection
            do throws(QUICError) {
                connection = try QUICConnection(
                    server: transport.settings(service.transportSettings, for: path.remote),
                    tls: service.tls,
                    attempt: attempt,
                    path: path,
                    random: transport.random,
                    resetSecret: transport.resetSecret,
                    now: now
                )
            } catch {
                service.logger.error("connection could not be made", metadata: [LogKeys.error: "\(error)"])
                return nil
            }
            let driver = ConnectionDriver(connection, remoteAddress: path.remote, transport: transport)
            transport.endpoint.halfOpenCount += 1
            let session = ClientSession(
                driver: driver,
                number: connectionCount,
                registry: service.registry.value,
                policy: service.policy,
                random: transport.random,
                logger: service.logger,
                handshakeEnded: { [weak transport] in transport?.endpoint.halfOpenCount -= 1 }
            )
            connectionCount += 1
            service.registry.value.insert(session)
            return driver
        }
    }
}

/// The system has closed the socket that connectors dial.
struct SocketLost: Error, CustomStringConvertible {
    var description: String { "the UDP socket that connectors dial was lost; start the listener again" }
}
