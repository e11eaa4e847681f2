import Logging
import NIOCore
import Shared

/// How a connection becomes a session: the authority's verdict, and hello where the protocol has it.
extension ClientSession {
    /// How long a connector may take for hello, which it sends with its last handshake packet.
    private static let helloTimeout = TimeAmount.seconds(3)
    /// How long a refused connector may take to read why, before its connection is closed.
    private static let refusalTime = TimeAmount.seconds(1)
    /// What a draining connector is granted at most, and what it may be late.
    private static let longestDrain = TimeAmount.hours(1)
    private static let drainMargin = TimeAmount.seconds(10)

    func beginAdmission(of peer: VerifiedCertificate) {
        let bound = NIOLoopBound(self, eventLoop: driver.eventLoop)
        let eventLoop = driver.eventLoop
        let authorization = policy.authorization
        Task {
            let admission = await authorization.admission(of: peer)
            eventLoop.execute { bound.value.decided(admission) }
        }
        if isWarp {
            schedule(in: Self.helloTimeout) { session in
                guard session.hello == nil else { return }
                session.close(.malformedMessage, reason: "no hello came")
            }
        }
    }

    private func decided(_ admission: Admission) {
        guard case .admitting(var admitting) = state else { return }  // the connection ended meanwhile
        admitting.admission = admission
        state = .admitting(admitting)
        admitWhenReady()
    }

    private func admitWhenReady() {
        guard case .admitting(let admitting) = state, let admission = admitting.admission, !isWarp || hello != nil
        else { return }
        endHandshake()
        if let hello, hello.version < Hello.currentVersion {
            refuse(.noCommonVersion, reason: "protocol version \(hello.version) is not spoken here")
            return
        }
        switch admission {
        case .refused(let reason):
            refuse(.certificateRefused, reason: reason)
        case .undecided(let reason):
            refuse(.admissionUnavailable, reason: reason)
        case .admitted(let uid):
            scheduleRecheck(of: admitting.peer, uid: uid)
            state = .contending
            claimedUID = uid
            registry.contend(self, for: uid)
        }
    }

    /// Makes this connection the session of `uid`; called by the slot.
    func bind(to uid: ClientUID) {
        guard case .contending = state else { return }  // the listener is shutting down
        guard let id = SessionID(random.bytes(SessionID.byteCount)) else {
            preconditionFailure("a session ID is as long as it is")
        }
        state = .live(Live(uid: uid, id: id, since: WallClock.millisecondsSince1970))
        control?.send(
            .welcome(
                Welcome(
                    version: Hello.currentVersion,
                    software: Version.software,
                    uid: uid,
                    session: id,
                    capabilities: .tcpRelays,
                    silenceLimit: policy.silenceLimit
                )
            )
        )
        logger[metadataKey: LogKeys.clientUID] = "\(uid)"
        var metadata: Logger.Metadata = [LogKeys.applicationProtocol: "\(applicationProtocolName)"]
        metadata[LogKeys.sessionID] = "\(id)"
        logger.info("session admitted", metadata: metadata)
        registry.sessionMoved(self, uid: uid)
        if isWarp {
            probeRegularly()
        }
    }

    /// Turns the connector away and tells it why.
    ///
    /// - Parameter heldSince: since when the client UID is in use, in milliseconds since 1970.
    func refuse(_ reason: RefusalReason, reason text: String, heldSince: Int64? = nil) {
        logRefusal(text)
        state = .ended
        recheck?.cancel()
        guard let control else {
            close(reason.code, reason: text)
            return
        }
        control.send(.refusal(Refusal(reason: reason, text: text, heldSince: heldSince.map { UInt64(clamping: $0) })))
        schedule(in: Self.refusalTime) { $0.close(reason.code, reason: text) }
    }

    func logRefusal(_ reason: String) {
        logger.warning("connector refused", metadata: [LogKeys.reason: "\(reason)"])
    }

    /// Replaces the session's timer.
    private func schedule(in time: TimeAmount, _ body: @escaping (ClientSession) -> Void) {
        timer?.cancel()
        timer = driver.eventLoop.assumeIsolated().scheduleTask(in: time) { [weak self] in
            if let self { body(self) }
        }
    }

    // MARK: The certificate's later fate

    private func scheduleRecheck(of peer: VerifiedCertificate, uid: ClientUID) {
        guard let interval = policy.recheckInterval else { return }
        let bound = NIOLoopBound(self, eventLoop: driver.eventLoop)
        let question = NIOLoopBoundBox(SessionRecheck(of: uid), eventLoop: driver.eventLoop)
        let eventLoop = driver.eventLoop
        let authorization = policy.authorization
        recheck = eventLoop.scheduleRepeatedAsyncTask(initialDelay: interval, delay: interval) { _ in
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

extension ClientSession: ControlStreamOwner {
    func received(_ message: ControlMessage, on stream: ControlStream) throws(WarpCodingError) {
        switch message {
        case .hello(let hello):
            guard self.hello == nil else { throw .unexpectedMessage }
            self.hello = hello
            admitWhenReady()
        case .welcome, .refusal:
            throw .unexpectedMessage
        case .goingAway(let farewell):
            guard hello != nil else { throw .unexpectedMessage }
            connectorGoesAway(farewell)
        case .probe:
            guard hello != nil else { throw .unexpectedMessage }
        case .probeReply(let number):
            guard hello != nil else { throw .unexpectedMessage }
            probes.answered(number, at: .now())?(true)
        }
    }

    private func connectorGoesAway(_ farewell: GoingAway) {
        guard !isDraining else { return }
        isDraining = true
        let time = min(farewell.relaysMayTake, Self.longestDrain) + Self.drainMargin
        drainTimer = driver.eventLoop.assumeIsolated().scheduleTask(in: time) { [weak self] in
            self?.close(.shuttingDown, reason: "the time that the connector gave itself is over")
        }
        let reason = farewell.reason.singleLine(limit: 200)
        logger.info("connector is going away", metadata: [LogKeys.reason: "\(reason)"])
    }

    private func probeRegularly() {
        schedule(in: policy.keepAlive) { session in
            guard case .live = session.state else { return }
            if let control = session.control, control.isPeerReading {
                control.send(.probe(session.probes.begin(at: .now())))
            }
            session.probeRegularly()
        }
    }
}
