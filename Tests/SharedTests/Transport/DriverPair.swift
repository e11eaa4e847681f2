import NIOCore
import Shared
import TestSupport

/// Two drivers that are connected over loopback, on one event loop: what ``ConnectionPair`` is without sockets. Confined to
/// the event loop.
final class DriverPair {
    let client: DriverEnd
    let server: DriverEnd

    private init(client: DriverEnd, server: DriverEnd) {
        self.client = client
        self.server = server
    }

    /// - Returns: a pair whose handshake is confirmed.
    static func open(on eventLoop: any EventLoop) -> EventLoopFuture<NIOLoopBound<DriverPair>> {
        do {
            let configuration = try ConnectionPair.Configuration.trusting()
            let server = DriverEnd(configuration.server, configuration.serverTLS)
            let client = DriverEnd(configuration.client, configuration.clientTLS)
            let address = try NIOCore.SocketAddress(ipAddress: "127.0.0.1", port: 0)
            let serverTransport = DatagramTransport.open(
                on: eventLoop,
                socket: try DatagramSocket(binding: address),
                limits: configuration.limits
            ) { attempt, path, now in
                try? server.accept(attempt, path, now)
            }
            let clientTransport = DatagramTransport.open(
                on: eventLoop,
                socket: try DatagramSocket(binding: address),
                limits: nil
            ) { _, _, _ in nil }
            let confirmed = eventLoop.makePromise(of: Void.self)
            client.handshakeConfirmed = confirmed.succeed
            return serverTransport.and(clientTransport).assumeIsolated().flatMapThrowing {
                serverTransport,
                clientTransport in
                server.transport = serverTransport.value
                client.transport = clientTransport.value
                try client.dial(serverTransport.value.localAddress)
                return NIOLoopBound(DriverPair(client: client, server: server), eventLoop: eventLoop)
            }.nonisolated().flatMap { pair in confirmed.futureResult.map { pair } }
        } catch {
            return eventLoop.makeFailedFuture(error)
        }
    }

    func close() {
        client.transport?.close()
        server.transport?.close()
    }
}

/// One end of a ``DriverPair``, which owns its connection.
final class DriverEnd: ConnectionOwner {
    private let settings: TransportSettings
    private let tls: TLSConfiguration
    fileprivate(set) var transport: DatagramTransport?
    private(set) var driver: ConnectionDriver?
    fileprivate var handshakeConfirmed: () -> Void = {}
    /// Makes the consumer of a stream that the peer has opened.
    var makeConsumer: (_ id: QUICStreamID, _ driver: ConnectionDriver) -> (any StreamConsumer)? = { _, _ in nil }

    fileprivate init(_ settings: TransportSettings, _ tls: TLSConfiguration) {
        self.settings = settings
        self.tls = tls
    }

    fileprivate func dial(_ remote: NIOCore.SocketAddress) throws {
        guard let transport else { return }
        let connection = try QUICConnection(
            client: settings,
            tls: tls,
            path: NetworkPath(local: transport.localAddress, remote: remote),
            random: transport.random,
            resetSecret: transport.resetSecret,
            now: .now()
        )
        adopt(ConnectionDriver(connection, remoteAddress: remote, transport: transport))
        driver?.drive()
    }

    fileprivate func accept(
        _ attempt: ConnectionAttempt,
        _ path: NetworkPath,
        _ now: QUICTime
    ) throws -> ConnectionDriver? {
        guard let transport else { return nil }
        let connection = try QUICConnection(
            server: settings,
            tls: tls,
            attempt: attempt,
            path: path,
            random: transport.random,
            resetSecret: transport.resetSecret,
            now: now
        )
        adopt(ConnectionDriver(connection, remoteAddress: path.remote, transport: transport))
        return driver
    }

    private func adopt(_ driver: ConnectionDriver) {
        driver.owner = self
        self.driver = driver
    }

    func handshakeCompleted(_ driver: ConnectionDriver, peer: VerifiedCertificate) {}

    func handshakeConfirmed(_ driver: ConnectionDriver) {
        handshakeConfirmed()
    }

    func streamOpened(_ id: QUICStreamID, _ driver: ConnectionDriver) {
        if let consumer = makeConsumer(id, driver) {
            driver.setConsumer(consumer, for: id)
        }
    }

    func streamsAvailable(_ driver: ConnectionDriver) {}
    func remoteAddressChanged(_ driver: ConnectionDriver) {}
    func connectionClosed(_ closure: ConnectionClosure, _ driver: ConnectionDriver) {}
}

@available(*, unavailable)
extension DriverPair: Sendable {}

@available(*, unavailable)
extension DriverEnd: Sendable {}
