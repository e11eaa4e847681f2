import Logging
import NIOCore
import Shared

/// One connector's connection to the listener, from its first packet to its end; a *session* once it is admitted and
/// bound to a client UID.
///
/// ```
///              TLS done              a clear yes (and hello)            UID free, or taken over
///   handshaking ───────▶ admitting ────────────────────────▶ contending ───────────────────────▶ live
///        │                   │ refused                            │ refused                      │ over
///        └───────────────────┴────────────────▶ ended ◀───────────┴──────────────────────────────┘
/// ```
///
/// Which of several connectors with one UID may be live is the ``ClientSlot``'s to say. Confined to its connection's event
/// loop. The registry holds it until its connection is over.
final class ClientSession {
    enum State {
        case handshaking
        case admitting(Admitting)
        case contending
        case live(Live)
        case ended
    }

    /// What an admission waits for.
    struct Admitting {
        let peer: VerifiedCertificate
        var admission: Admission?
    }

    struct Live {
        let uid: ClientUID
        let id: SessionID
        /// Milliseconds since 1970.
        let since: Int64
    }

    /// How long a connector's new address has to last before anybody is told.
    private static let addressSettleTime = TimeAmount.seconds(1)

    static let shutdownReason = "the listener is shutting down"

    let driver: ConnectionDriver
    let registry: SessionRegistry
    let policy: SessionPolicy
    let random: RandomSource
    let counters = SessionCounters()
    /// Counts the connections of this listener; the original's relay IDs begin with it.
    let number: Int
    var logger: Logger
    var state = State.handshaking
    var relayCount: UInt64 = 0
    /// Of `warp/1`; nil with the original's protocol, and before hello.
    var control: ControlStream?
    var hello: Hello?
    /// Whether the connector takes no new relays.
    var isDraining = false
    /// Questions for a sign of life that wait for an answer.
    var probes = SessionProbes()
    /// What is next if nothing happens: no hello, the end of a refused connection, or the next probe.
    var timer: Scheduled<Void>?
    /// The end of a connector's own time to drain.
    var drainTimer: Scheduled<Void>?
    /// While the log and the state have been told of an address just now.
    var addressTimer: Scheduled<Void>?
    var recheck: RepeatedTask?
    /// The UID that its slot knows it by.
    var claimedUID: ClientUID?
    private var handshakeEnded: (() -> Void)?

    /// - Parameters:
    ///   - random: gives session IDs.
    ///   - handshakeEnded: called once, when this connection does not count as half-open any more.
    init(
        driver: ConnectionDriver,
        number: Int,
        registry: SessionRegistry,
        policy: SessionPolicy,
        random: RandomSource,
        logger: Logger,
        handshakeEnded: @escaping () -> Void
    ) {
        self.driver = driver
        self.number = number
        self.registry = registry
        self.policy = policy
        self.random = random
        self.logger = logger
        self.logger[metadataKey: LogKeys.remoteAddress] = "\(driver.remoteAddress.hostAndPort)"
        self.handshakeEnded = handshakeEnded
        driver.owner = self
    }

    // MARK: Queries

    /// The client that this session is bound to, while it is live.
    var uid: ClientUID? {
        if case .live(let live) = state { live.uid } else { nil }
    }

    /// Since when it is live, in milliseconds since 1970.
    var since: Int64? {
        if case .live(let live) = state { live.since } else { nil }
    }

    /// The run of the connector's program, where it says so.
    var instance: InstanceID? { hello?.instance }

    var isWarp: Bool { driver.connection.applicationProtocol == .warp }

    // MARK: Commands

    /// Ends the session and tells the connector why.
    func close(_ code: ApplicationErrorCode, reason: String) {
        driver.close(.application(code.rawValue, reason: reason))
        driver.drive()
    }

    /// Ends the session because the listener ends.
    func closeForShutdown() {
        close(.shuttingDown, reason: Self.shutdownReason)
    }

    /// Ends a session that another one has taken the place of.
    func closeSuperseded() {
        close(.sessionEnded, reason: "another connector with this client UID took over")
    }

    /// Asks the connector for a sign of life.
    ///
    /// - Parameter answer: called once: as soon as it answers, or when `time` is over.
    func proveAlive(within time: TimeAmount, _ answer: @escaping (Bool) -> Void) {
        logger.info("another connector wants the client UID: asking for a sign of life")
        let probe = probes.begin(at: .now(), answer)
        control?.send(.probe(probe))
        driver.connection.probe()
        driver.drive()
        driver.eventLoop.assumeIsolated().scheduleTask(in: time) {
            // Acknowledged packets are a sign of life too; the original's protocol has no other.
            let isAcknowledged = self.driver.connection.endProbe()
            self.probes.expire(probe)?(isAcknowledged)
        }
    }

    func endHandshake() {
        handshakeEnded?()
        handshakeEnded = nil
    }
}

extension ClientSession: ConnectionOwner {
    func handshakeCompleted(_ driver: ConnectionDriver, peer: VerifiedCertificate) {
        guard case .handshaking = state else { return }
        if isWarp {
            driver.connection.setLiveness(
                keepAlive: policy.keepAlive,
                silenceLimit: policy.silenceLimit,
                now: .now()
            )
        }
        state = .admitting(Admitting(peer: peer))
        beginAdmission(of: peer)
    }

    func handshakeConfirmed(_ driver: ConnectionDriver) {}

    func streamOpened(_ id: QUICStreamID, _ driver: ConnectionDriver) {
        guard isWarp, control == nil else {
            close(.malformedMessage, reason: "a connector opens no stream but the control stream of warp/1")
            return
        }
        control = ControlStream(id, of: driver, owner: self)
    }

    func streamsAvailable(_ driver: ConnectionDriver) {
        if let uid {
            registry.serve(uid)
        }
    }

    // A connector that moves to and fro fills neither the log nor the disk.
    func remoteAddressChanged(_ driver: ConnectionDriver) {
        logger[metadataKey: LogKeys.remoteAddress] = "\(driver.remoteAddress.hostAndPort)"
        guard addressTimer == nil else { return }
        addressTimer = driver.eventLoop.assumeIsolated().scheduleTask(in: Self.addressSettleTime) { [weak self] in
            self?.addressSettled()
        }
    }

    private func addressSettled() {
        addressTimer = nil
        guard let uid else { return }
        logger.info("connector's address changed")
        registry.sessionMoved(self, uid: uid)
    }

    func connectionClosed(_ closure: ConnectionClosure, _ driver: ConnectionDriver) {
        recheck?.cancel()
        timer?.cancel()
        drainTimer?.cancel()
        addressTimer?.cancel()
        endHandshake()
        if case .assertionFailed = closure {
            logger.error("defect in the QUIC library: please report it", metadata: [LogKeys.reason: "\(closure)"])
        }
        let before = state
        state = .ended
        switch before {
        case .handshaking:
            logFailedHandshake(closure)
        case .admitting, .contending:
            logger.info("connector left before it was admitted", metadata: [LogKeys.reason: "\(closure)"])
        case .live:
            logger.info("session ended", metadata: [LogKeys.reason: "\(closure)"])
        case .ended:
            break
        }
        registry.remove(self, uid: claimedUID)
        probes.expireAll().forEach { $0(false) }
    }

    private func logFailedHandshake(_ closure: ConnectionClosure) {
        switch closure {
        case .local(let frame), .peer(let frame):
            logRefusal(frame.description)
        case .handshakeTimeout, .idleTimeout, .statelessReset, .noCommonVersion, .dropped, .assertionFailed:
            // Half-open handshakes that come to nothing are the Internet's background noise.
            logger.debug("handshake abandoned", metadata: [LogKeys.reason: "\(closure)"])
        }
    }
}

extension ClientSession: Hashable {
    static func == (left: ClientSession, right: ClientSession) -> Bool { left === right }

    func hash(into hasher: inout Hasher) {
        hasher.combine(ObjectIdentifier(self))
    }
}

@available(*, unavailable)
extension ClientSession: Sendable {}
