import Logging
import NIOCore
import Shared

/// The relays of a session, and what the control API tells of it.
extension ClientSession {
    /// Whether a visitor can be served at once.
    var takesRelays: Bool {
        guard case .live = state else { return false }
        return !isDraining && !registry.isDraining && knowsTCP && driver.connection.availableStreams > 0
    }

    /// Whether the connector can relay TCP; an original can nothing else.
    var knowsTCP: Bool { hello.map { $0.capabilities.contains(.tcpRelays) } ?? true }

    /// Makes an accepted TCP channel a relay to `target`. The session must be one that ``takesRelays``.
    ///
    /// - Throws: what kept the stream from opening; the visitor has been reset then.
    func startRelay(_ visitor: any Channel, target: TargetAddress, meter: ForwardMeter) throws {
        let stream: QUICStreamID
        do {
            stream = try driver.connection.openStream()
        } catch {
            visitor.abort()
            throw error
        }
        let header = header(for: target, visitor.allocator)
        relayCount += 1
        let relay = RelayHandler(
            driver: driver,
            stream: stream,
            preface: header,
            awaitsReply: isWarp,
            observer: RelayTally(session: counters, forward: meter)
        )
        do {
            try visitor.pipeline.syncOperations.addHandler(relay)
        } catch {
            visitor.abort()
            relay.abandon()
            throw error
        }
    }

    private func header(for target: TargetAddress, _ allocator: ByteBufferAllocator) -> ByteBuffer {
        if isWarp {
            RelayHeader(kind: .tcp, relayID: relayCount, target: target).encoded(allocator: allocator)
        } else {
            OriginalStreamHeader(relayID: "\(number)-\(relayCount)", target: target).encoded(allocator: allocator)
        }
    }

    // MARK: The end

    /// Tells the connector that the listener is going away; relays go on.
    func goAway() {
        switch state {
        case .handshaking, .admitting:
            refuse(.shuttingDown, reason: Self.shutdownReason)
        case .contending:
            registry.withdraw(self)
            refuse(.shuttingDown, reason: Self.shutdownReason)
        case .live:
            control?.send(
                .goingAway(
                    GoingAway(
                        reason: Self.shutdownReason,
                        comeBackAfter: policy.comeBackAfter,
                        relaysMayTake: policy.drainTime
                    )
                )
            )
            driver.drive()
        case .ended:
            break
        }
    }

    /// Whether no relay is left: no visitor, and no stream with bytes on their way.
    var isIdle: Bool {
        counters.openRelays == 0 && driver.consumedStreamCount == (control == nil ? 0 : 1)
    }

    // MARK: What is told

    var applicationProtocolName: String { driver.connection.applicationProtocol?.rawValue ?? "" }

    /// What a restarted listener needs to tell the connector that its session is over.
    func stored(uid: ClientUID) -> StoredSession? {
        StoredSession(
            uid: uid,
            remoteAddress: driver.remoteAddress,
            connectionID: driver.connection.initialSourceID.bytes
        )
    }

    /// - Returns: nil while the session is not live.
    func status(uid: ClientUID, waitingVisitors: Int) -> SessionStatus? {
        guard case .live(let live) = state else { return nil }
        return SessionStatus(
            uid: live.uid,
            sessionID: "\(live.id)",
            applicationProtocol: applicationProtocolName,
            software: hello?.software,
            remoteAddress: driver.remoteAddress.hostAndPort,
            since: live.since,
            roundTrip: probes.roundTrip ?? driver.connection.smoothedRoundTrip,
            openRelays: counters.openRelays,
            waitingVisitors: waitingVisitors,
            bytesToTargets: counters.bytesToTargets,
            bytesFromTargets: counters.bytesFromTargets,
            isDraining: isDraining
        )
    }
}
