import Logging
import NIOCore
import ServiceLifecycle
import Shared

/// Dials the listener and serves its streams until shutdown, or until the session is over.
struct ConnectorService: Service {
    private let serverName: ServerName
    private let port: UInt16
    private let transportSettings: TransportSettings
    private let tls: TLSConfiguration
    private let targets: TargetDialer
    private let eventLoop: any EventLoop
    private let logger: Logger

    init(
        _ configuration: ConnectorConfiguration,
        tls: TLSConfiguration,
        eventLoop: any EventLoop,
        logger: Logger
    ) {
        serverName = configuration.serverName
        port = configuration.servicePort
        var settings = TransportSettings.original
        settings.maximumPeerStreams = configuration.maxRelays
        transportSettings = settings
        self.tls = tls
        targets = TargetDialer(timeout: configuration.dialTimeout)
        self.eventLoop = eventLoop
        self.logger = logger
    }

    /// - Throws: ``ConnectorFailure``, which has been logged.
    func run() async throws {
        do throws(ConnectorFailure) {
            try await serve()
        } catch {
            log(error)
            throw error
        }
    }

    private func serve() async throws(ConnectorFailure) {
        let addresses = try await resolve()
        let dialer = await on(eventLoop) {
            NIOLoopBound(
                Dialer(addresses: addresses, settings: transportSettings, tls: tls, eventLoop: eventLoop),
                eventLoop: eventLoop
            )
        }
        guard let dialer else { return }
        let session = try await dial(dialer)
        guard let session else { return }
        let isShuttingDown = NIOLoopBoundBox.makeBoxSendingValue(false, eventLoop: eventLoop)
        let failure: ConnectorFailure? = await withGracefulShutdownHandler {
            do {
                return try await eventLoop.flatSubmit { session.value.end }.get()
            } catch {
                return nil
            }
        } onGracefulShutdown: {
            eventLoop.execute {
                isShuttingDown.value = true
                session.value.close()
            }
        }
        let wasAsked = await on(eventLoop) { isShuttingDown.value } ?? true
        if let failure, !wasAsked {
            throw failure
        }
    }

    private func resolve() async throws(ConnectorFailure) -> [SocketAddress] {
        let addresses: [SocketAddress]
        do {
            addresses = try await ListenerResolver.addresses(of: serverName.text, port: port)
        } catch {
            throw .nameNotFound(serverName.text)
        }
        guard !addresses.isEmpty else { throw .nameNotFound(serverName.text) }
        return addresses
    }

    /// - Returns: nil when shutdown was asked for meanwhile.
    private func dial(_ dialer: NIOLoopBound<Dialer>) async throws(ConnectorFailure) -> NIOLoopBound<ListenerSession>? {
        let isCancelled = NIOLoopBoundBox.makeBoxSendingValue(false, eventLoop: eventLoop)
        let result: Result<NIOLoopBound<ListenerSession>, any Error> = await withGracefulShutdownHandler {
            do {
                let session = try await eventLoop.flatSubmit {
                    dialer.value.dial().map { winner in
                        let session = ListenerSession(winner.value, dialer: targets, logger: logger)
                        return NIOLoopBound(session, eventLoop: eventLoop)
                    }
                }.get()
                return .success(session)
            } catch {
                return .failure(error)
            }
        } onGracefulShutdown: {
            eventLoop.execute {
                isCancelled.value = true
                dialer.value.cancel()
            }
        }
        switch result {
        case .success(let session):
            return session
        case .failure(let error):
            if await on(eventLoop, { isCancelled.value }) ?? true { return nil }
            throw error as? ConnectorFailure ?? .socketUnusable("\(error)")
        }
    }

    private func on<Value: Sendable>(_ eventLoop: any EventLoop, _ body: @escaping @Sendable () -> Value) async
        -> Value?
    {
        do {
            return try await eventLoop.submit(body).get()
        } catch {
            return nil  // the loop is gone: the program is ending
        }
    }

    private func log(_ failure: ConnectorFailure) {
        switch failure {
        case .nameNotFound(let name):
            logger.error("the listener's name does not resolve", metadata: ["server_name": "\(name)"])
        case .socketUnusable(let reason):
            logger.error("no socket could be used", metadata: [LogKeys.error: "\(reason)"])
        case .refused(let closure):
            switch closure {
            case .local(let frame):
                logger.error("listener refused", metadata: [LogKeys.reason: "\(frame)"])
            case .peer(let frame):
                logger.error("refused by the listener", metadata: [LogKeys.reason: "\(frame)"])
            case .idleTimeout, .handshakeTimeout, .statelessReset, .noCommonVersion, .dropped:
                logger.error("refused by the listener", metadata: [LogKeys.reason: "\(closure)"])
            }
        case .lost(let closure):
            logger.error("connection to the listener lost", metadata: [LogKeys.reason: "\(closure)"])
        }
    }
}
