import Logging
import NIOCore
import Shared

/// The connector's end of a session: accepts the listener's streams until the connection is over.
///
/// Confined to its connection's event loop.
final class ListenerSession {
    private let driver: ConnectionDriver
    private let transport: DatagramTransport
    private let dialer: TargetDialer
    private let logger: Logger
    private let ended: EventLoopPromise<ConnectorFailure>

    /// - Parameter winner: a connection whose handshake is done.
    init(_ winner: Dialer.Winner, dialer: TargetDialer, logger: Logger) {
        driver = winner.driver
        transport = winner.transport
        self.dialer = dialer
        self.logger = logger
        ended = winner.driver.eventLoop.makePromise()
        driver.owner = self
    }

    /// Completes when the connection is over.
    var end: EventLoopFuture<ConnectorFailure> { ended.futureResult }

    /// Ends the session; the listener learns of it at once.
    func close() {
        driver.close(.application(ApplicationErrorCode.shuttingDown.rawValue, reason: "the connector is shutting down"))
        driver.drive()
    }
}

extension ListenerSession: ConnectionOwner {
    func handshakeCompleted(_ driver: ConnectionDriver, peer: VerifiedCertificate) {}

    func handshakeConfirmed(_ driver: ConnectionDriver) {
        let address = driver.remoteAddress.hostAndPort
        logger.info("connected to the listener", metadata: [LogKeys.listenerAddress: "\(address)"])
    }

    func streamOpened(_ id: QUICStreamID, _ driver: ConnectionDriver) {
        driver.setConsumer(IncomingRelay(stream: id, driver: driver, dialer: dialer, logger: logger), for: id)
    }

    func streamsAvailable(_ driver: ConnectionDriver) {}

    func connectionClosed(_ closure: ConnectionClosure, _ driver: ConnectionDriver) {
        ended.succeed(ConnectorFailure(closure))
        transport.closeSoon()
    }
}

@available(*, unavailable)
extension ListenerSession: Sendable {}
