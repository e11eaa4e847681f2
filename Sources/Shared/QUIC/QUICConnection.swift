internal import CQuic
package import NIOCore

/// One QUIC connection (RFC 9000), without sockets, clock or threads: datagrams, commands and `now` go in; datagrams,
/// events and the next expiry come out.
///
/// Owns the `ngtcp2_conn` and the TLS session, and nobody else frees them. Confined to one event loop. The cycle is
/// receive → events → write → re-arm the timer with ``expiry``; ``close(_:)`` only marks the connection, and the next
/// write carries it out.
///
/// ```
///             close, or the peer's violation            3 × PTO
///   active ─────────────────────────────────▶ closing ──────────▶ terminated
///      │        CONNECTION_CLOSE received                3 × PTO       ▲
///      ├───────────────────────────────────▶ draining ────────────────┤
///      └── idle timeout, stateless reset, dropped ────────────────────┘
/// ```
package final class QUICConnection {
    enum State {
        case active
        // RFC 9000 §10.2.1: answers what still arrives with the same packet.
        case closing(until: QUICTime, packet: [UInt8], received: Int, answerIsDue: Bool)
        // RFC 9000 §10.2.2: says nothing any more.
        case draining(until: QUICTime)
        case terminated
    }

    /// The first connection ID that packets to us carry.
    package let initialSourceID: QUICConnectionID
    package let isServer: Bool

    let settings: TransportSettings
    let random: RandomSource
    let resetSecret: StatelessResetSecret
    let tls: TLSSession
    var conn: OpaquePointer?

    var state = State.active
    var pendingClose: CloseFrame?
    var isConfirmed = false
    // Of a client's answer to the handshake: whether ngtcp2 has left the handshake, which it may before it sends anything,
    // and whether a packet under Handshake keys was made.
    var hasLeftHandshake = false
    var hasSealedHandshake = false
    // Since the last write: datagrams that arrived and want to be acknowledged, and whether the last one brought stream data.
    var datagramsToAcknowledge = 0
    var hasReceivedStreamData = false
    // Whether a frame waits that is no stream's new data, and should not wait long; or one may, for the congestion window has
    // ended a write, and none since has come to its end.
    var frameIsDue = false
    var receivedStatelessReset = false
    var hasReceivedSinceProbe = true
    var keepAlive: TimeAmount?
    var silenceLimit: TimeAmount?
    var lastHeard: QUICTime
    var events = CircularBuffer<QUICConnectionEvent>()
    var streams: [QUICStreamID: QUICStream] = [:]
    var sendQueue = SendQueue()
    var bulkLimit = BulkLimit()
    var sizeSearch: DatagramSizeSearch
    var migrationGate = MigrationGate()
    // Streams whose data is delivered and whose reset is due.
    var dueResets: [QUICStream] = []
    // Streams with `consumedBytes`.
    var creditedStreams: [QUICStream] = []
    // Bytes of connection-level credit to give back after the packet, and bytes withheld until they are consumed.
    var connectionCreditDue = 0
    var connectionCreditWithheld = 0
    var unconsumedBytes = 0
    /// Of all streams; see ``StreamSendBuffer/unsentStorageBytes``.
    var unsentStorageBytes = 0
    /// Whether a stream was given a message (see ``SendQueue``) after another: a bulk stream, too, is given little now and
    /// then. Until the next packets are written.
    var hasQueuedMessage = false
    // By how much the windows of all streams have grown: half of the unconsumed budget at most.
    var grownWindowBytes = 0

    /// Starts a client's handshake; the first ``writeDatagrams(using:now:send:)`` sends the Initial packet.
    ///
    /// - Throws: ``QUICError`` when a library refuses its arguments or memory ran out.
    package convenience init(
        client settings: TransportSettings,
        tls configuration: TLSConfiguration,
        path: NetworkPath,
        random: RandomSource,
        resetSecret: StatelessResetSecret,
        now: QUICTime
    ) throws(QUICError) {
        try self.init(settings, configuration, nil, random, resetSecret, now)
        // RFC 9000 §7.2: unpredictable, and at least 8 bytes.
        let destination = QUICConnectionID(random.bytes(18)) ?? initialSourceID
        try create(destination: destination, path: path, now: now, attempt: nil)
    }

    /// Answers a client's first packet, which ``receive(_:path:ecn:now:)`` must be given next.
    ///
    /// - Parameter attempt: what ``QUICEndpoint`` read from that packet.
    /// - Throws: ``QUICError`` when a library refuses its arguments or memory ran out.
    package convenience init(
        server settings: TransportSettings,
        tls configuration: TLSConfiguration,
        attempt: ConnectionAttempt,
        path: NetworkPath,
        random: RandomSource,
        resetSecret: StatelessResetSecret,
        now: QUICTime
    ) throws(QUICError) {
        try self.init(settings, configuration, attempt, random, resetSecret, now)
        try create(destination: attempt.clientSourceID, path: path, now: now, attempt: attempt)
    }

    private init(
        _ settings: TransportSettings,
        _ configuration: TLSConfiguration,
        _ attempt: ConnectionAttempt?,
        _ random: RandomSource,
        _ resetSecret: StatelessResetSecret,
        _ now: QUICTime
    ) throws(QUICError) {
        self.settings = settings
        keepAlive = settings.keepAlive
        sizeSearch = DatagramSizeSearch(limit: settings.maximumDatagramBytes)
        lastHeard = now
        self.random = random
        self.resetSecret = resetSecret
        isServer = attempt != nil
        initialSourceID = random.connectionID()
        tls = try TLSSession(
            configuration,
            applicationProtocols: settings.applicationProtocols,
            isServer: attempt != nil
        )
    }

    deinit {
        // TLS callbacks reach the connection through the session's reference: both end here, in this order.
        if let conn {
            ngtcp2_conn_del(conn)
        }
    }

    // MARK: Inputs

    /// Takes received datagrams.
    ///
    /// - Parameters:
    ///   - datagrams: their payload; borrowed for the call.
    ///   - path: the addresses that they came by.
    ///   - ecn: the two ECN bits of their IP headers.
    package func receive(_ datagrams: DatagramRun, path: NetworkPath, ecn: UInt8, now: QUICTime) {
        switch state {
        case .active:
            guard pendingClose == nil else { return }
            read(datagrams, path: path, ecn: ecn, now: now)
        case .closing(let until, let packet, var received, var answerIsDue):
            for _ in datagrams {
                // RFC 9000 §10.2.1: fewer and fewer answers (to the 1st, 2nd, 4th …), so that two ends never chase each
                // other.
                received += 1
                answerIsDue = answerIsDue || received & (received - 1) == 0
            }
            state = .closing(until: until, packet: packet, received: received, answerIsDue: answerIsDue)
        case .draining, .terminated:
            break
        }
    }

    /// Does what is due at `now`; a call before ``expiry`` does nothing.
    package func handleExpiry(now: QUICTime) {
        switch state {
        case .active:
            guard let conn, pendingClose == nil else { return }
            if let silenceDeadline, silenceDeadline <= now {
                // RFC 9000 §10.1: an idle connection ends without a word.
                terminate(.idleTimeout)
                return
            }
            let result = warp_conn_handle_expiry(conn, now.nanoseconds)
            takeUrgentFrames()
            guard result == 0 else {
                fail(result, call: "ngtcp2_conn_handle_expiry", now: now)
                return
            }
            if warp_conn_pto_count(conn) >= Self.blackHoleTimeouts,
                sizeSearch.datagramBytes > DatagramSizeSearch.minimumBytes
            {
                sizeSearch.restart()
            }
        case .closing(let until, _, _, _), .draining(let until):
            if now >= until {
                state = .terminated
            }
        case .terminated:
            break
        }
    }

    /// The peer is reached by another path from now on: what the last one carried says nothing of it (RFC 9000 §14.3).
    package func pathChanged() {
        sizeSearch.restart()
    }

    /// Ends the connection: the next write sends CONNECTION_CLOSE, and all streams are over now. Idempotent.
    package func close(_ frame: CloseFrame) {
        guard case .active = state, pendingClose == nil else { return }
        pendingClose = frame
        finish(.local(frame))
        forgetAllStreams()
    }

    /// Replaces the packet protection keys (RFC 9001 §6), as a peer may at any time.
    package func updateKeys(now: QUICTime) throws(QUICError) {
        guard let conn, isActive else { throw .connectionClosed }
        let result = ngtcp2_conn_initiate_key_update(conn, now.nanoseconds)
        guard result == 0 else { throw .library("ngtcp2_conn_initiate_key_update", result) }
    }

    // MARK: Outputs

    /// The oldest event that was not taken yet.
    package func nextEvent() -> QUICConnectionEvent? {
        guard let event = events.popFirst() else { return nil }
        switch event {
        case .streamClosed(let id, _): forget(id)
        case .closed: forgetAllStreams()  // not before: what arrived with the peer's close can be read until now
        default: break
        }
        return event
    }

    /// When ``handleExpiry(now:)`` has something to do; nil = never.
    package var expiry: QUICTime? {
        switch state {
        case .active:
            guard let conn, pendingClose == nil else { return nil }
            let expiry = QUICTime(nanoseconds: min(ngtcp2_conn_get_expiry(conn), silenceDeadline?.nanoseconds ?? .max))
            return expiry.nanoseconds == .max ? nil : expiry
        case .closing(let until, _, _, _), .draining(let until):
            return until
        case .terminated:
            return nil
        }
    }

    /// Whether nothing is left to do: the owner forgets the connection and its IDs.
    package var isTerminated: Bool {
        if case .terminated = state { true } else { false }
    }

    /// Whether streams can be used.
    package var isActive: Bool {
        if case .active = state, pendingClose == nil { true } else { false }
    }

    /// The peer's certificate, once the handshake has verified it.
    package var peerCertificate: VerifiedCertificate? { tls.verifiedPeer }

    /// Whether packets are sent by `path` now: that changes when the peer migrates (RFC 9000 §9).
    package func isUsing(_ path: NetworkPath) -> Bool {
        conn.map { ngtcp2_path_eq(ngtcp2_conn_get_path($0), path.pointer) != 0 } ?? false
    }

    /// What both ends have agreed to speak; nil before ``QUICConnectionEvent/handshakeCompleted``.
    package var applicationProtocol: ApplicationProtocol? { tls.applicationProtocol }

    /// The smoothed round trip time (RFC 9002 §5.3).
    package var smoothedRoundTrip: TimeAmount {
        conn.map { .nanoseconds(Int64(clamping: warp_conn_flight($0).smoothed_rtt)) } ?? .zero
    }

    /// The size of a full datagram now, in bytes of UDP payload, 1,200 or more.
    package var datagramBytes: Int { sizeSearch.datagramBytes }

    /// Whether something waits to be sent, as far as we know.
    package var hasSomethingToSend: Bool { frameIsDue || !sendQueue.isEmpty }

    /// Whether datagrams should be written at once, rather than when ``expiry`` comes.
    ///
    /// An acknowledgement that has nothing to travel with can wait (RFC 9000 §13.2.1): the answer to a message comes soon
    /// after it as a rule, and takes it along. At least every second packet is acknowledged without delay (§13.2.2).
    package var wantsToWrite: Bool {
        guard case .active = state, pendingClose == nil, isConfirmed else { return true }
        return datagramsToAcknowledge >= 2 || !sendQueue.isEmpty || !dueResets.isEmpty || (frameIsDue && windowHasRoom)
    }

    /// Whether the congestion window has room.
    var windowHasRoom: Bool { conn.map { ngtcp2_conn_get_cwnd_left($0) > 0 } ?? false }

    // MARK: Private

    private func read(_ datagrams: DatagramRun, path: NetworkPath, ecn: UInt8, now: QUICTime) {
        guard let conn else { return }
        let mayMove = isServer && !migrationGate.isSettled(on: path)
        let wasUsed = mayMove && isUsing(path)
        if mayMove, !wasUsed, !migrationGate.admits(path) {
            frameIsDue = true  // a write may open it
            return
        }
        if mayMove {
            migrationGate.reckon(probeTimeout: probeTimeout)
        }
        let readsProtectedPackets = isServer || (hasLeftHandshake && hasSealedHandshake)
        var info = ngtcp2_pkt_info(ecn: UInt32(ecn))
        for datagram in datagrams {
            let bytes = datagram.bindMemory(to: UInt8.self)
            let (start, count, time) = (bytes.baseAddress, bytes.count, now.nanoseconds)
            let result =
                readsProtectedPackets
                ? warp_conn_read_pkt(conn, path.pointer, &info, start, count, time)
                : warp_conn_read_handshake_pkt(conn, path.pointer, &info, start, count, time)
            if hasReceivedStreamData || bytes.count > Self.largestBareAcknowledgement {
                datagramsToAcknowledge += 1
                hasReceivedStreamData = false
            }
            guard result == 0 else {
                fail(result, call: "ngtcp2_conn_read_pkt", now: now)
                break  // whatever failed, the connection is active no more
            }
        }
        takeUrgentFrames()
        hasReceivedSinceProbe = true
        lastHeard = now
        if isServer, isConfirmed {
            tls.handshakeIsOver()
        }
        if mayMove {
            migrationGate.reckon(probeTimeout: probeTimeout)
            if isUsing(path) {
                wasUsed ? migrationGate.stayed(on: path) : migrationGate.moved(to: path, now: now)
                frameIsDue = frameIsDue || !wasUsed  // PATH_CHALLENGE
            }
        }
        returnConnectionCredit()
        performDueResets()
    }

    // After each call into ngtcp2 that may leave some: the next one may be another connection's.
    private func takeUrgentFrames() {
        if warp_take_urgent_frames() {
            frameIsDue = true
        }
    }

    /// Turns a return code into what it means for the connection. The one place that judges them.
    func fail(_ result: Int32, call: String, now: QUICTime) {
        if result == Self.assertionError {
            let isNews = isActive
            abandon()
            if isNews {
                finish(.assertionFailed(String(cString: warp_failed_assertion())))
            }
            return
        }
        guard let conn, case .active = state, pendingClose == nil else { return }
        // What we refuse when the handshake is completed has failed in a callback; to the peer it is TLS that failed.
        let isRefused = result == NGTCP2_ERR_CALLBACK_FAILURE && tls.refusalAlert != nil
        let result = isRefused ? NGTCP2_ERR_CRYPTO : result
        switch result {
        case NGTCP2_ERR_DRAINING:
            state = .draining(until: now + closePeriod)
            if receivedStatelessReset {
                finish(.statelessReset)
            } else {
                let close = warp_conn_peer_close(conn)
                let reason = UnsafeRawBufferPointer(start: close.reason, count: close.reason_length)
                finish(
                    .peer(CloseFrame(isApplication: close.is_application, code: close.error_code, reasonBytes: reason))
                )
            }
        case NGTCP2_ERR_IDLE_CLOSE:
            terminate(.idleTimeout)
        case NGTCP2_ERR_HANDSHAKE_TIMEOUT:
            terminate(.handshakeTimeout)
        case NGTCP2_ERR_RECV_VERSION_NEGOTIATION, NGTCP2_ERR_VERSION_NEGOTIATION_FAILURE:
            terminate(.noCommonVersion)
        case NGTCP2_ERR_DROP_CONN, NGTCP2_ERR_RETRY, NGTCP2_ERR_CLOSING, NGTCP2_ERR_NOMEM,
            NGTCP2_ERR_CALLBACK_FAILURE:
            terminate(.dropped(libraryError: result))
        default:
            if result == NGTCP2_ERR_CRYPTO, let alert = tls.refusalAlert {
                ngtcp2_conn_set_tls_alert(conn, alert)
            }
            let code = warp_transport_error_code(conn, result)
            let reason = result == NGTCP2_ERR_CRYPTO ? tls.failureReason(alert: UInt8(truncatingIfNeeded: code)) : nil
            close(.transport(code, reason: reason ?? QUICError.library(call, result).description))
        }
    }

    /// ngtcp2 has failed an assertion: what it holds is never touched again, and never given back.
    func abandon() {
        conn = nil
        tls.abandon()
        state = .terminated
    }

    private func terminate(_ closure: ConnectionClosure) {
        state = .terminated
        finish(closure)
    }

    private func finish(_ closure: ConnectionClosure) {
        events.append(.closed(closure))
        sendQueue.removeAll()
    }

    /// A datagram up to this size, in bytes, with no stream data in it is taken for one that acknowledges and nothing else:
    /// those are not acknowledged in their turn (RFC 9000 §13.2.1). What is mistaken for one waits for the timer.
    private static let largestBareAcknowledgement = 64
    /// So many probe timeouts in a row may mean that the path carries no large datagrams any more (RFC 8899 §4.3).
    private static let blackHoleTimeouts = 3

    // ngtcp2 may take an acknowledgement for one that came before its packet was sent, and reckon with nearly no end.
    private static let longestCloseTimeout = TimeAmount.minutes(1)

    static let assertionError = Int32(WARP_ERR_ASSERTION)

    /// RFC 9000 §10.2: the closing and draining states last three times the probe timeout.
    var closePeriod: TimeAmount { min(probeTimeout, Self.longestCloseTimeout) * 3 }

    private var probeTimeout: TimeAmount {
        conn.map { .nanoseconds(Int64(clamping: ngtcp2_conn_get_pto($0))) } ?? .zero
    }
}

@available(*, unavailable)
extension QUICConnection: Sendable {}
