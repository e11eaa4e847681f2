import Logging
import NIOCore
import Shared

/// Whoever wants to know how a ``ListenerSession`` fares. Called on its event loop.
protocol ListenerSessionOwner: AnyObject {
    /// The listener has admitted us.
    func sessionAdmitted(_ session: ListenerSession)

    /// The session is over, admitted or not; no other call follows.
    ///
    /// - Parameter comeBackAfter: how long the listener wants us to stay away; nil = it did not say.
    func sessionEnded(_ session: ListenerSession, _ failure: ConnectorFailure, comeBackAfter: TimeAmount?)
}

/// The connector's end of a session: introduces itself, accepts the listener's streams, and drains.
///
/// ```
///               welcome (warp/1), handshake confirmed (hq-29)         drain
///   introducing ─────────────────────────────────────────────▶ up ──────────▶ draining
///        │ refusal, or the connection is over                   │ over            │ idle, time is over
///        └─────────────────────────────────▶ ended ◀────────────┴─────────────────┘
/// ```
///
/// Confined to its connection's event loop.
final class ListenerSession {
    private enum State {
        case introducing
        case up
        case draining
        case ended
    }

    private static let shutdownReason = "the connector is shutting down"
    /// A listener may ask its authority for a minute.
    private static let welcomeTimeout = TimeAmount.seconds(90)
    /// How long a listener may take to read that we are going away.
    private static let farewellTime = TimeAmount.seconds(1)
    /// How often a draining session looks whether it is done.
    private static let drainInterval = TimeAmount.milliseconds(20)

    private let driver: ConnectionDriver
    private let transport: DatagramTransport
    private let policy: ListenerSessionPolicy
    private let applicationProtocol: ApplicationProtocol
    private let ledger = RelayLedger()
    private let lateReplies: LateReplies
    private var logger: Logger
    private weak var owner: (any ListenerSessionOwner)?
    private var state = State.introducing
    private var control: ControlStream?
    private var timer: Scheduled<Void>?
    /// Until when relays are still taken after going away: until the listener has answered what was asked behind it.
    private var farewellDeadline: NIODeadline?
    private var refusal: Refusal?
    private var comeBackAfter: TimeAmount?

    /// Begins to introduce itself.
    ///
    /// - Parameter winner: a connection whose handshake is done.
    init(
        _ winner: Dialer.Winner,
        policy: ListenerSessionPolicy,
        owner: any ListenerSessionOwner,
        logger: Logger
    ) {
        driver = winner.driver
        transport = winner.transport
        lateReplies = LateReplies(eventLoop: winner.driver.eventLoop)
        self.policy = policy
        self.owner = owner
        self.logger = logger
        self.logger[metadataKey: LogKeys.listenerAddress] = "\(winner.driver.remoteAddress.hostAndPort)"
        applicationProtocol = winner.driver.connection.applicationProtocol ?? .original
        driver.owner = self
        if applicationProtocol == .warp {
            introduce()
        }
    }

    // MARK: Commands

    /// Ends the session once its relays have finished, or when their time is over. New ones are turned away.
    func drain() {
        guard case .up = state else {
            close()
            return
        }
        state = .draining
        if let control {
            sayGoodbye(control)
        }
        driver.drive()
        if ledger.openCount > 0 {
            logger.info("waiting for relays to finish", metadata: [LogKeys.count: "\(ledger.openCount)"])
        }
        waitUntilIdle(deadline: .now() + policy.drainTime)
    }

    // Visitors that the listener has accepted before it read of our going away are still served: the answer to a probe tells
    // when it has.
    private func sayGoodbye(_ control: ControlStream) {
        farewellDeadline = .now() + min(Self.farewellTime, policy.drainTime)
        control.send(
            .goingAway(
                GoingAway(
                    reason: Self.shutdownReason,
                    comeBackAfter: .zero,
                    relaysMayTake: policy.drainTime
                )
            )
        )
        control.send(.probe(0))
    }

    /// Ends the session; the listener learns of it at once.
    func close() {
        close(.shuttingDown, reason: Self.shutdownReason)
    }

    // MARK: Private

    private func introduce() {
        driver.connection.setLiveness(
            keepAlive: policy.keepAlive,
            silenceLimit: policy.silenceLimit,
            now: .now()
        )
        do throws(QUICError) {
            control = ControlStream(try driver.connection.openStream(), of: driver, owner: self)
        } catch {
            close(.malformedMessage, reason: "the listener grants no control stream")
            return
        }
        control?.send(
            .hello(
                Hello(
                    version: Hello.currentVersion,
                    software: Version.software,
                    instance: policy.instance,
                    capabilities: .tcpRelays
                )
            )
        )
        schedule(in: Self.welcomeTimeout) { $0.close(.malformedMessage, reason: "no welcome came") }
    }

    private func admitted(_ metadata: Logger.Metadata) {
        guard case .introducing = state else { return }
        state = .up
        timer?.cancel()
        var metadata = metadata
        metadata[LogKeys.applicationProtocol] = "\(applicationProtocol.rawValue)"
        logger.info("connected to the listener", metadata: metadata)
        owner?.sessionAdmitted(self)
    }

    private var isTakingRelays: Bool {
        guard case .draining = state else { return true }
        return farewellDeadline.map { .now() < $0 } ?? false
    }

    private var isIdle: Bool {
        !isTakingRelays && ledger.openCount == 0 && driver.consumedStreamCount == (control == nil ? 0 : 1)
    }

    private func waitUntilIdle(deadline: NIODeadline) {
        guard case .draining = state else { return }
        if isIdle {
            close()
        } else if deadline <= .now() {
            logger.warning("relays did not finish in time", metadata: [LogKeys.count: "\(ledger.openCount)"])
            close()
        } else {
            schedule(in: Self.drainInterval) { $0.waitUntilIdle(deadline: deadline) }
        }
    }

    private func close(_ code: ApplicationErrorCode, reason: String) {
        driver.close(.application(code.rawValue, reason: reason))
        driver.drive()
    }

    private func schedule(in time: TimeAmount, _ body: @escaping (ListenerSession) -> Void) {
        timer?.cancel()
        timer = driver.eventLoop.assumeIsolated().scheduleTask(in: time) { [weak self] in
            if let self { body(self) }
        }
    }
}

extension ListenerSession: ConnectionOwner {
    func handshakeCompleted(_ driver: ConnectionDriver, peer: VerifiedCertificate) {}

    func handshakeConfirmed(_ driver: ConnectionDriver) {
        if applicationProtocol == .original {
            admitted([:])
        }
    }

    func streamOpened(_ id: QUICStreamID, _ driver: ConnectionDriver) {
        let relay = IncomingRelay(
            stream: id,
            driver: driver,
            applicationProtocol: applicationProtocol,
            dialer: policy.targets,
            entry: ledger.open(),
            lateReplies: lateReplies,
            logger: logger
        )
        driver.setConsumer(relay, for: id)
        if !isTakingRelays {
            relay.refuse(RelayRefusal(.goingAway, Self.shutdownReason))
        } else if ledger.openCount > policy.maxRelays {
            // Streams that are closed already, with a dial that still goes on.
            relay.refuse(RelayRefusal(.overloaded, "too many relays"))
        }
    }

    func streamsAvailable(_ driver: ConnectionDriver) {}

    func remoteAddressChanged(_ driver: ConnectionDriver) {}

    func connectionClosed(_ closure: ConnectionClosure, _ driver: ConnectionDriver) {
        timer?.cancel()
        state = .ended
        let failure =
            refusal.map { ConnectorFailure.turnedAway($0.reason, text: $0.text) }
            ?? ConnectorFailure(closure, handshakeWasComplete: true)
        owner?.sessionEnded(self, failure, comeBackAfter: comeBackAfter)
        transport.closeSoon()
    }
}

extension ListenerSession: ControlStreamOwner {
    func received(_ message: ControlMessage, on stream: ControlStream) throws(WarpCodingError) {
        guard refusal == nil else { throw .unexpectedMessage }
        switch message {
        case .hello:
            throw .unexpectedMessage
        case .welcome(let welcome):
            guard case .introducing = state, welcome.version == Hello.currentVersion else { throw .unexpectedMessage }
            logger[metadataKey: LogKeys.clientUID] = "\(welcome.uid)"
            admitted([LogKeys.sessionID: "\(welcome.session)"])
        case .refusal(let refusal):
            guard case .introducing = state else { throw .unexpectedMessage }
            self.refusal = refusal
            close(.noError, reason: "")
        case .goingAway(let farewell):
            guard comeBackAfter == nil else { break }  // it is known
            comeBackAfter = farewell.comeBackAfter
            let reason = farewell.reason.singleLine(limit: 200)
            logger.info("the listener is going away", metadata: [LogKeys.reason: "\(reason)"])
        case .probe:
            break
        case .probeReply:
            farewellDeadline = nil
        }
    }
}

@available(*, unavailable)
extension ListenerSession: Sendable {}
