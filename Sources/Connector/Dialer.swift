import NIOCore
import NIOPosix
import Shared

/// Dials the listener at all of its addresses, a little apart, until one handshake is done (after RFC 8305): a host whose
/// first address leads nowhere is reached by the next one at once.
///
/// Confined to one event loop. The first connection to finish its handshake wins and the others are closed; they have not
/// sent their certificate's proof by then, so the listener never admits two.
final class Dialer {
    /// How long one address has the field to itself (RFC 8305 §8 recommends 250 ms).
    private static let stagger = TimeAmount.milliseconds(250)

    /// The connection that won and the socket that it runs on.
    struct Winner {
        let driver: ConnectionDriver
        let transport: DatagramTransport
    }

    private let eventLoop: any EventLoop
    private let settings: TransportSettings
    private let tls: TLSConfiguration
    private var remaining: ArraySlice<SocketAddress>
    private var attempts: [ObjectIdentifier: Winner] = [:]
    private var pendingOpens = 0
    private var failure: ConnectorFailure?
    private let promise: EventLoopPromise<NIOLoopBound<Winner>>
    private var isDecided = false
    private var staggerTimer: Scheduled<Void>?

    init(addresses: [SocketAddress], settings: TransportSettings, tls: TLSConfiguration, eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
        self.settings = settings
        self.tls = tls
        remaining = addresses[...]
        promise = eventLoop.makePromise()
    }

    /// - Returns: fails with ``ConnectorFailure``: the most telling of what the addresses answered.
    func dial() -> EventLoopFuture<NIOLoopBound<Winner>> {
        startNext()
        return promise.futureResult
    }

    /// Gives up.
    func cancel() {
        decide(.failure(.lost(.local(.application(ApplicationErrorCode.shuttingDown.rawValue, reason: "cancelled")))))
    }

    private func startNext() {
        staggerTimer?.cancel()
        guard !isDecided else { return }
        guard let address = remaining.popFirst() else {
            finishIfNothingIsLeft()
            return
        }
        open(address)
        staggerTimer = eventLoop.assumeIsolated().scheduleTask(in: Self.stagger) { self.startNext() }
    }

    private func open(_ address: SocketAddress) {
        pendingOpens += 1
        do {
            let wildcard = try SocketAddress(ipAddress: address.protocol == .inet6 ? "::" : "0.0.0.0", port: 0)
            let socket = try DatagramSocket(binding: wildcard)
            DatagramTransport.open(on: eventLoop, socket: socket, limits: nil) { _, _, _ in nil }
                .assumeIsolated().whenComplete { result in
                    self.pendingOpens -= 1
                    switch result {
                    case .success(let transport): self.start(address, transport.value)
                    case .failure(let error): self.failed(.socketUnusable("\(error)"))
                    }
                }
        } catch {
            pendingOpens -= 1
            failed(.socketUnusable("\(error)"))
        }
    }

    private func start(_ address: SocketAddress, _ transport: DatagramTransport) {
        guard !isDecided else {
            transport.close()
            return
        }
        do throws(QUICError) {
            let path = NetworkPath(local: transport.localAddress, remote: address)
            let connection = try QUICConnection(
                client: transport.settings(settings, for: address),
                tls: tls,
                path: path,
                random: transport.random,
                resetSecret: transport.resetSecret,
                now: .now()
            )
            let driver = ConnectionDriver(connection, remoteAddress: address, transport: transport)
            driver.owner = self
            attempts[ObjectIdentifier(driver)] = Winner(driver: driver, transport: transport)
            driver.drive()
        } catch {
            transport.close()
            failed(.socketUnusable("\(error)"))
        }
    }

    private func failed(_ reason: ConnectorFailure) {
        if failure == nil || (reason.isAnswer && failure?.isAnswer == false) {
            failure = reason
        }
        startNext()
    }

    private func finishIfNothingIsLeft() {
        guard attempts.isEmpty, pendingOpens == 0, remaining.isEmpty else { return }
        decide(.failure(failure ?? .lost(.handshakeTimeout)))
    }

    private func decide(_ result: Result<Winner, ConnectorFailure>) {
        guard !isDecided else { return }
        isDecided = true
        staggerTimer?.cancel()
        let losers = attempts.values
        attempts.removeAll()
        for loser in losers {
            loser.driver.close(.application(ApplicationErrorCode.noError.rawValue, reason: "another address answered"))
            loser.driver.drive()
            loser.transport.close()
        }
        switch result {
        case .success(let winner): promise.succeed(NIOLoopBound(winner, eventLoop: eventLoop))
        case .failure(let failure): promise.fail(failure)
        }
    }
}

extension Dialer: ConnectionOwner {
    func handshakeCompleted(_ driver: ConnectionDriver, peer: VerifiedCertificate) {
        guard let winner = attempts.removeValue(forKey: ObjectIdentifier(driver)) else { return }
        decide(.success(winner))
    }

    func handshakeConfirmed(_ driver: ConnectionDriver) {}
    func streamOpened(_ id: QUICStreamID, _ driver: ConnectionDriver) {}
    func streamsAvailable(_ driver: ConnectionDriver) {}

    func remoteAddressChanged(_ driver: ConnectionDriver) {}

    func connectionClosed(_ closure: ConnectionClosure, _ driver: ConnectionDriver) {
        guard let attempt = attempts.removeValue(forKey: ObjectIdentifier(driver)) else { return }
        attempt.transport.closeSoon()
        failed(ConnectorFailure(closure, handshakeWasComplete: false))
    }
}

@available(*, unavailable)
extension Dialer: Sendable {}
