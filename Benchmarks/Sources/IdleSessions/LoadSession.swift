import NIOCore
import Shared

/// The connector's end of one session that nobody uses: introduces itself with `warp/1`, and then only keeps alive.
///
/// It has a socket of its own, as a connector has: to the listener each session comes from another address. Confined to
/// one event loop.
final class LoadSession {
    /// As the programs do by default.
    private static let keepAlive = TimeAmount.seconds(10)
    private static let silenceLimit = TimeAmount.seconds(30)
    private static let maximumRelays = 20_000

    private let driver: ConnectionDriver
    // Owns the socket.
    private let transport: DatagramTransport
    private let admission: EventLoopPromise<Void>
    private var control: ControlStream?
    private var isAdmitted = false

    /// Dials the listener; must be called on `eventLoop`.
    ///
    /// - Returns: the session when the listener has admitted it; fails with ``LoadSessionFailure`` otherwise.
    static func dial(
        _ listener: SocketAddress,
        tls: TLSConfiguration,
        on eventLoop: any EventLoop
    ) -> EventLoopFuture<NIOLoopBound<LoadSession>> {
        do {
            let socket = try DatagramSocket(binding: SocketAddress(ipAddress: "0.0.0.0", port: 0))
            return DatagramTransport.open(on: eventLoop, socket: socket, limits: nil) { _, _, _ in nil }
                .flatMap { transport in
                    do {
                        let session = try LoadSession(listener, tls: tls, transport: transport.value)
                        let bound = NIOLoopBound(session, eventLoop: eventLoop)
                        return session.admission.futureResult.map { bound }
                    } catch {
                        return eventLoop.makeFailedFuture(error)
                    }
                }
        } catch {
            return eventLoop.makeFailedFuture(error)
        }
    }

    private init(_ listener: SocketAddress, tls: TLSConfiguration, transport: DatagramTransport) throws {
        self.transport = transport
        admission = transport.eventLoop.makePromise()
        var settings = TransportSettings.tunnel([.warp], silenceLimit: Self.silenceLimit)
        settings.maximumPeerStreams = Self.maximumRelays
        let connection = try QUICConnection(
            client: settings,
            tls: tls,
            path: NetworkPath(local: transport.localAddress, remote: listener),
            random: transport.random,
            resetSecret: transport.resetSecret,
            now: .now()
        )
        driver = ConnectionDriver(connection, remoteAddress: listener, transport: transport)
        driver.owner = self
        driver.drive()
    }

    private func introduce() throws(QUICError) {
        driver.connection.setLiveness(keepAlive: Self.keepAlive, silenceLimit: Self.silenceLimit, now: .now())
        let stream = ControlStream(try driver.connection.openStream(), of: driver, owner: self)
        control = stream
        stream.send(
            .hello(
                Hello(
                    version: Hello.currentVersion,
                    software: "idle-sessions",
                    instance: .random(),
                    capabilities: .tcpRelays
                )
            )
        )
    }
}

extension LoadSession: ConnectionOwner {
    func handshakeCompleted(_ driver: ConnectionDriver, peer: VerifiedCertificate) {
        do throws(QUICError) {
            try introduce()
        } catch {
            admission.fail(LoadSessionFailure.noControlStream(error))
        }
    }

    func handshakeConfirmed(_ driver: ConnectionDriver) {}
    func streamOpened(_ id: QUICStreamID, _ driver: ConnectionDriver) {}
    func streamsAvailable(_ driver: ConnectionDriver) {}
    func remoteAddressChanged(_ driver: ConnectionDriver) {}

    func connectionClosed(_ closure: ConnectionClosure, _ driver: ConnectionDriver) {
        guard !isAdmitted else { return }
        admission.fail(LoadSessionFailure.closed(closure))
    }
}

extension LoadSession: ControlStreamOwner {
    func received(_ message: ControlMessage, on stream: ControlStream) throws(WarpCodingError) {
        switch message {
        case .welcome:
            isAdmitted = true
            admission.succeed()
        case .refusal(let refusal): admission.fail(LoadSessionFailure.refused(refusal))
        case .hello, .goingAway, .probe, .probeReply: break
        }
    }
}

@available(*, unavailable)
extension LoadSession: Sendable {}

/// Why a session did not come about.
enum LoadSessionFailure: Error {
    case noControlStream(QUICError)
    case refused(Refusal)
    case closed(ConnectionClosure)
}
