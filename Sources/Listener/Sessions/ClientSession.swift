import Logging
import NIOCore
import Shared

/// One connector's connection to the listener, from its first packet to its end; a *session* once it is admitted and
/// bound to a client UID.
///
/// ```
///              TLS done              a clear yes, UID free
///   handshaking ───────▶ admitting ──────────────────────▶ live
///        │                   │ refused                       │ connection over, certificate refused later
///        └───────────────────┴──────────▶ ended ◀────────────┘
/// ```
///
/// Confined to its connection's event loop. The registry holds it until its connection is over.
final class ClientSession {
    private enum State {
        case handshaking
        case admitting
        case live(ClientUID)
        case ended
    }

    /// How long the holder of a UID may take to show that it lives.
    private static let probeTimeout = TimeAmount.seconds(1)

    private let driver: ConnectionDriver
    private let registry: SessionRegistry
    private let authorization: CertificateAuthorization
    private let recheckInterval: TimeAmount?
    private let visitors: WaitingVisitors
    /// Counts the connections of this listener; the original's relay IDs begin with it.
    private let number: Int
    private var logger: Logger
    private var handshakeEnded: (() -> Void)?

    private var state = State.handshaking
    private var relayCount = 0
    private var recheck: RepeatedTask?

    /// - Parameter handshakeEnded: called once, when this connection does not count as half-open any more.
    init(
        driver: ConnectionDriver,
        number: Int,
        registry: SessionRegistry,
        policy: SessionPolicy,
        logger: Logger,
        handshakeEnded: @escaping () -> Void
    ) {
        self.driver = driver
        self.number = number
        self.registry = registry
        authorization = policy.authorization
        recheckInterval = policy.recheckInterval
        visitors = WaitingVisitors(wait: policy.visitorWait)
        self.logger = logger
        self.logger[metadataKey: LogKeys.remoteAddress] = "\(driver.remoteAddress.hostAndPort)"
        self.handshakeEnded = handshakeEnded
        driver.owner = self
    }

    /// The client that this session is bound to, while it is live.
    var uid: ClientUID? {
        if case .live(let uid) = state { uid } else { nil }
    }

    /// Makes an accepted TCP channel a relay to `target`, now or when the connector grants a stream.
    ///
    /// - Returns: fails when the visitor cannot be served; it has been reset then.
    func adopt(_ visitor: any Channel, target: TargetAddress) -> EventLoopFuture<Void> {
        guard visitors.isEmpty, driver.connection.availableStreams > 0 else {
            return visitors.enqueue(visitor, target: target)
        }
        return visitor.eventLoop.makeCompletedFuture { try startRelay(visitor, target: target) }
    }

    /// Ends the session and tells the connector why.
    func close(_ code: ApplicationErrorCode, reason: String) {
        driver.close(.application(code.rawValue, reason: reason))
        driver.drive()
    }

    // MARK: Relays

    private func startRelay(_ visitor: any Channel, target: TargetAddress) throws {
        let stream: QUICStreamID
        do {
            stream = try driver.connection.openStream()
        } catch {
            visitor.abort()
            throw error
        }
        let header = OriginalStreamHeader(relayID: "\(number)-\(relayCount)", target: target)
        relayCount += 1
        driver.connection.send(header.encoded(allocator: visitor.allocator), finish: false, on: stream)
        try visitor.pipeline.syncOperations.addHandler(RelayHandler(driver: driver, stream: stream))
        driver.setNeedsDrive()
    }

    // MARK: Admission

    private func ask(_ peer: VerifiedCertificate) {
        let bound = NIOLoopBound(self, eventLoop: driver.eventLoop)
        let eventLoop = driver.eventLoop
        let authorization = authorization
        Task {
            let admission = await authorization.admission(of: peer)
            eventLoop.execute { bound.value.decided(admission, peer) }
        }
    }

    private func decided(_ admission: Admission, _ peer: VerifiedCertificate) {
        guard case .admitting = state else { return }  // the connection ended meanwhile
        endHandshake()
        switch admission {
        case .refused(let reason):
            refuse(.notAdmitted, reason: reason)
        case .admitted(let uid):
            guard let holder = registry.liveSession(for: uid) else {
                bind(to: uid, peer)
                return
            }
            holder.proveAlive { [weak self] isAlive in self?.holderAnswered(isAlive, holder, uid, peer) }
        }
    }

    private func bind(to uid: ClientUID, _ peer: VerifiedCertificate) {
        registry.bind(self, to: uid)
        state = .live(uid)
        logger[metadataKey: LogKeys.clientUID] = "\(uid)"
        logger.info("session admitted")
        scheduleRecheck(of: peer, uid: uid)
    }

    // MARK: Two connectors with one UID

    // A connector that died without a word would otherwise block its successor for the idle timeout.
    private func proveAlive(_ answer: @escaping (Bool) -> Void) {
        driver.connection.probe()
        driver.drive()
        driver.eventLoop.assumeIsolated().scheduleTask(in: Self.probeTimeout) {
            answer(self.driver.connection.endProbe())
        }
    }

    private func holderAnswered(_ isAlive: Bool, _ holder: ClientSession, _ uid: ClientUID, _ peer: VerifiedCertificate)
    {
        guard case .admitting = state else { return }  // the newcomer left meanwhile
        let current = registry.liveSession(for: uid)
        if let current, isAlive || current !== holder {
            refuse(.clientUIDInUse, reason: "the client UID \(uid) has a live session already")
            return
        }
        current?.close(.sessionEnded, reason: "another connector with this client UID took over")
        bind(to: uid, peer)
    }

    private func endHandshake() {
        handshakeEnded?()
        handshakeEnded = nil
    }

    private func refuse(_ code: ApplicationErrorCode, reason: String) {
        logRefusal(reason)
        state = .ended
        close(code, reason: reason)
    }

    private func logRefusal(_ reason: String) {
        logger.warning("connector refused", metadata: [LogKeys.reason: "\(reason)"])
    }

    // MARK: The certificate's later fate

    private func scheduleRecheck(of peer: VerifiedCertificate, uid: ClientUID) {
        guard let recheckInterval else { return }
        let bound = NIOLoopBound(self, eventLoop: driver.eventLoop)
        let question = NIOLoopBoundBox(SessionRecheck(of: uid), eventLoop: driver.eventLoop)
        let eventLoop = driver.eventLoop
        let authorization = authorization
        recheck = eventLoop.scheduleRepeatedAsyncTask(initialDelay: recheckInterval, delay: recheckInterval) { _ in
            let verdict = eventLoop.makeFutureWithTask { await authorization.verdict(on: peer) }
            return verdict.map { verdict in
                bound.value.rechecked(question.value.received(verdict))
            }
        }
    }

    private func rechecked(_ action: SessionRecheck.Action) {
        guard case .live = state else { return }
        switch action {
        case .keep:
            break
        case .keepAndWarn(let reason):
            logger.warning("certificate could not be checked again", metadata: [LogKeys.reason: "\(reason)"])
        case .end(let reason):
            logger.warning("certificate is refused now", metadata: [LogKeys.reason: "\(reason)"])
            close(.notAdmitted, reason: reason)
        }
    }
}

extension ClientSession: ConnectionOwner {
    func handshakeCompleted(_ driver: ConnectionDriver, peer: VerifiedCertificate) {
        guard case .handshaking = state else { return }
        state = .admitting
        ask(peer)
    }

    func handshakeConfirmed(_ driver: ConnectionDriver) {}

    func streamOpened(_ id: QUICStreamID, _ driver: ConnectionDriver) {
        // Not reached: the listener grants its peers no streams in the original's protocol.
    }

    func streamsAvailable(_ driver: ConnectionDriver) {
        while driver.connection.availableStreams > 0, let next = visitors.next() {
            do {
                try startRelay(next.channel, target: next.target)
                next.release()
            } catch {
                return  // startRelay has reset the visitor; the connection is over
            }
        }
    }

    func connectionClosed(_ closure: ConnectionClosure, _ driver: ConnectionDriver) {
        recheck?.cancel()
        registry.remove(self)
        visitors.abortAll()
        switch state {
        case .handshaking:
            endHandshake()
            logFailedHandshake(closure)
        case .admitting:
            endHandshake()
            logger.info("connector left before it was admitted", metadata: [LogKeys.reason: "\(closure)"])
        case .live:
            logger.info("session ended", metadata: [LogKeys.reason: "\(closure)"])
        case .ended:
            break
        }
        state = .ended
    }

    private func logFailedHandshake(_ closure: ConnectionClosure) {
        switch closure {
        case .local(let frame), .peer(let frame):
            logRefusal(frame.description)
        case .handshakeTimeout, .idleTimeout, .statelessReset, .noCommonVersion, .dropped:
            // Half-open handshakes that come to nothing are the Internet's background noise.
            logger.debug("handshake abandoned", metadata: [LogKeys.reason: "\(closure)"])
        }
    }
}

@available(*, unavailable)
extension ClientSession: Sendable {}
