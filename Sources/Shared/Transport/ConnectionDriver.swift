package import NIOCore

/// Joins one sans-I/O connection with its socket, its timer and its streams' consumers.
///
/// A drive is the only thing that takes a connection's outputs: events, then datagrams, then the timer. There is one for a
/// batch of received datagrams, one for a batch of TCP reads, and one on expiry. Confined to one event loop; the
/// endpoint's table keeps it until the connection is over.
package final class ConnectionDriver {
    package let connection: QUICConnection
    package let eventLoop: any EventLoop
    /// Where the peer's packets come from.
    package private(set) var remoteAddress: SocketAddress
    package weak var owner: (any ConnectionOwner)?

    /// Whether a batch of datagrams has touched it.
    var isInBatch = false

    /// While something waits to be sent, no timer is finer than this: RFC 9002's granularity (§6.1.2), and what ngtcp2's
    /// pacer assumes of its caller.
    private static let busyGranularity = TimeAmount.milliseconds(1)
    /// Otherwise no timer is finer than this. So long an acknowledgement waits for something to travel with, where ngtcp2
    /// would wait for an eighth of the round trip; the peer reckons with 25 ms (`max_ack_delay`).
    private static let idleGranularity = TimeAmount.milliseconds(5)

    private let transport: DatagramTransport
    // Where the last datagram came by, and the last one that led to `remoteAddress`.
    private var latestPath: NetworkPath?
    private var knownPath: NetworkPath?
    private var consumers: [QUICStreamID: any StreamConsumer] = [:]
    private var connectionIDs: Set<QUICConnectionID> = []
    private var isDriving = false
    private var isDriveScheduled = false
    private var isWaitingForSocket = false
    /// The connection's share of what the transport's ``ReadAllowance`` knows of.
    private var reportedUnsentStorage = 0
    private var deadline = ExpiryDeadline()
    private var timer: (deadline: QUICTime, task: Scheduled<Void>)?
    private var isOver = false

    package init(_ connection: QUICConnection, remoteAddress: SocketAddress, transport: DatagramTransport) {
        self.connection = connection
        self.remoteAddress = remoteAddress
        self.transport = transport
        eventLoop = transport.eventLoop
        takeConnectionIDs()
    }

    // MARK: Inputs

    /// Sets who deals with a stream from now on.
    package func setConsumer(_ consumer: any StreamConsumer, for id: QUICStreamID) {
        consumers[id] = consumer
    }

    /// Takes received datagrams; see ``QUICConnection/receive(_:path:ecn:now:)``. ``drive()`` must follow.
    func receive(_ datagrams: DatagramRun, path: NetworkPath, ecn: UInt8, now: QUICTime) {
        latestPath = path
        connection.receive(datagrams, path: path, ecn: ecn, now: now)
    }

    /// Buffers for the reads of a relay's channel that has filled a read of `bytes` bytes.
    func readAllocator(after bytes: Int) -> RelayReadAllocator {
        transport.readAllowance.allocator(after: bytes)
    }

    /// How many streams have a consumer: relays, and the control stream.
    package var consumedStreamCount: Int { consumers.count }

    /// Something was queued on the connection: drives it before the event loop waits again, once for all who ask.
    package func setNeedsDrive() {
        guard !isDriving, !isDriveScheduled, !isOver else { return }
        isDriveScheduled = true
        eventLoop.assumeIsolated().execute {
            self.isDriveScheduled = false
            self.drive()
        }
    }

    /// Ends the connection and tells the peer why.
    package func close(_ frame: CloseFrame) {
        connection.close(frame)
        setNeedsDrive()
    }

    /// A batch of datagrams is complete: drives the connection, but leaves a bare acknowledgement to the timer.
    func batchReceived() {
        drive(writesAnyway: false)
    }

    package func drive() {
        drive(writesAnyway: true)
    }

    private func drive(writesAnyway: Bool) {
        eventLoop.assertInEventLoop()
        guard !isDriving, !isOver else { return }
        isDriving = true
        followPeer()
        handleEvents()
        let now = QUICTime.now()
        var hasMore = false
        if writesAnyway || connection.wantsToWrite {
            writeDatagrams(now: now)
            // Writing may have freed room for writers, whose bytes may leave at once.
            hasMore = handleEvents()
            if hasMore {
                writeDatagrams(now: now)
                hasMore = handleEvents()
            }
        }
        isDriving = false
        tellReadAllowance(unsentStorage: connection.unsentStorageBytes, now: now)
        if connection.isTerminated {
            end()
        } else {
            rearmTimer(now: now)
            if hasMore {
                setNeedsDrive()  // what was queued meanwhile could not ask for itself
            }
        }
    }

    // MARK: Outputs

    @discardableResult
    private func handleEvents() -> Bool {
        var handledAny = false
        while let event = connection.nextEvent() {
            handledAny = true
            handle(event)
        }
        return handledAny
    }

    private func handle(_ event: QUICConnectionEvent) {
        switch event {
        case .handshakeCompleted:
            if let peer = connection.peerCertificate {
                owner?.handshakeCompleted(self, peer: peer)
            } else {
                // Cannot happen: GnuTLS completes no handshake without our verification. Fail closed.
                connection.close(.transport(0x1, reason: "the certificate was not verified"))
            }
        case .handshakeConfirmed: owner?.handshakeConfirmed(self)
        case .streamOpened(let id): owner?.streamOpened(id, self)
        case .streamReadable(let id): consumers[id]?.streamReadable()
        case .streamWritable(let id): consumers[id]?.streamWritable()
        case .streamReset(let id, let code): consumers[id]?.streamReset(code: code)
        case .streamSendingStopped(let id): consumers[id]?.streamSendingStopped()
        case .streamClosed(let id, let code): consumers.removeValue(forKey: id)?.streamClosed(code: code)
        case .streamsAvailable: owner?.streamsAvailable(self)
        case .connectionIDIssued(let id): register(id)
        case .connectionIDRetired(let id): unregister(id)
        case .closed(let closure): connectionClosed(closure)
        }
    }

    private func connectionClosed(_ closure: ConnectionClosure) {
        abandonConsumers()
        owner?.connectionClosed(closure, self)
    }

    private func abandonConsumers() {
        let orphans = consumers
        consumers.removeAll()
        for consumer in orphans.values {
            consumer.connectionClosed()
        }
    }

    // Nearly every datagram comes by the same path object: comparing is an identity, but for a peer that moves.
    private func followPeer() {
        guard let path = latestPath, path !== knownPath else { return }
        if path.remote == remoteAddress {
            knownPath = path
        } else if connection.isUsing(path) {
            knownPath = path
            remoteAddress = path.remote
            connection.pathChanged()
            owner?.remoteAddressChanged(self)
        }
    }

    private func writeDatagrams(now: QUICTime) {
        guard !transport.sender.isBlocked else {
            waitForSocket()
            return
        }
        connection.writeDatagrams(using: transport.scratch, now: now) { transport.sender.send($0) }
        if transport.sender.isBlocked {
            waitForSocket()
        }
    }

    private func tellReadAllowance(unsentStorage: Int, now: QUICTime) {
        transport.readAllowance.connectionDriven(
            unsentStorageChange: unsentStorage - reportedUnsentStorage,
            messagesUntil: connection.bulkLimit.messagesUntil,
            now: now
        )
        reportedUnsentStorage = unsentStorage
    }

    private func waitForSocket() {
        guard !isWaitingForSocket else { return }
        isWaitingForSocket = true
        transport.sender.whenUnblocked { [weak self] in
            self?.isWaitingForSocket = false
            self?.drive()
        }
    }

    // MARK: Timer

    // A task that was scheduled earlier than needed is left alone: it re-schedules itself. Most packets move the expiry
    // a little later, and re-arming would allocate each time.
    private func rearmTimer(now: QUICTime) {
        let granularity = connection.hasSomethingToSend ? Self.busyGranularity : Self.idleGranularity
        deadline.follow(connection.expiry, granularity: granularity, now: now)
        guard let instant = deadline.instant else { return }
        if let timer, timer.deadline <= instant { return }
        timer?.task.cancel()
        let task = eventLoop.assumeIsolated().scheduleTask(deadline: instant.deadline) { self.timerFired() }
        timer = (instant, task)
    }

    private func timerFired() {
        timer = nil
        let now = QUICTime.now()
        if deadline.take(now: now) {
            connection.handleExpiry(now: now)
            drive()
        } else {
            rearmTimer(now: now)
        }
    }

    /// Forgets the connection, and tells those who deal with its streams, but not the owner, that it is gone. Idempotent; not
    /// to be called within a drive. For when the connection is over, or the transport is closed before that.
    func end() {
        isOver = true
        tellReadAllowance(unsentStorage: 0, now: .now())
        timer?.task.cancel()
        timer = nil
        connectionIDs.forEach { transport.endpoint.unregister($0) }
        connectionIDs.removeAll()
        abandonConsumers()
    }

    // MARK: Connection IDs

    private func takeConnectionIDs() {
        handleEvents()  // a new connection has none but these
    }

    private func register(_ id: QUICConnectionID) {
        connectionIDs.insert(id)
        transport.endpoint.register(self, for: id)
    }

    private func unregister(_ id: QUICConnectionID) {
        connectionIDs.remove(id)
        transport.endpoint.unregister(id)
    }
}

@available(*, unavailable)
extension ConnectionDriver: Sendable {}
