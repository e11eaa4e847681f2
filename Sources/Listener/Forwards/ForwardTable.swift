package import Logging
package import NIOCore
package import Shared

/// All forwards of the listener: opens, stores, restores, closes and lists them.
///
/// One per listener. Every port is in exactly one state, which is set before each `await` and checked after it, so that
/// concurrent calls for one port end as if they had come one after another:
///
///              open, restore             listening and stored
///     (none) ────────────────▶ opening ──────────────────────▶ listening ──┐
///        ▲                      │    │                          ▲   │      │ stopAccepting
///        │      open failed     │    │ restore    port is free, │   │      ▼
///        ├──────────────────────┘    │ failed         every 2 s │   │   stopped ◀── retrying
///        │                           ▼                          │   │      │
///        │                        retrying ─────────────────────┘   │      │ close, endVisitors
///        │                         │    ▲                           │      │
///        │                   close │    └────── the socket failed ──┤      │
///        │                         ▼                                │      │
///        └────────────────────── closing ◀──────────────────────────┴──────┘
///          not stored, socket and   │                       close
///          visitors gone            └─▶ back, when the store would not forget it
///
/// What is stored is what was opened and not closed: shutting down forgets nothing.
package actor ForwardTable {
    private enum PortState {
        /// An `open` call is binding and storing the port, or `restore` is binding it.
        case opening
        case listening(ForwardListener)
        /// Stored, and not listened on because of `problem`; the task tries again until it listens or is cancelled.
        case retrying(OpenForward, problem: ForwardError, attempts: Task<Void, Never>)
        /// Shutting down: nobody listens any more, but visitors may be there.
        case stopped(OpenForward)
        /// The task ends when the port is free, or with the reason why it stays open.
        case closing(Task<ForwardError?, Never>)
    }

    /// How often another free port is tried when the one that the system chose is on its way out of the table.
    private static let freePortAttempts = 3

    private let eventLoop: any EventLoop
    private let bindAddress: SocketAddress
    private let isSessionLive: @Sendable (ClientUID) async -> Bool
    private let adoptVisitor: ForwardListener.AdoptVisitor
    private let recorder: ForwardRecorder
    private let visitorGrace: TimeAmount
    private let retryInterval: Duration
    private let logger: Logger

    private var ports: [ForwardPort: PortState] = [:]
    private var isShuttingDown = false

    /// - Parameters:
    ///   - eventLoop: The NIOPosix loop on which every listening socket and every visitor lives.
    ///   - bindAddress: The IP address to listen on; its port is not used.
    ///   - isSessionLive: Whether a connector with the UID is connected now, and takes relays.
    ///   - adoptVisitor: Makes an accepted channel a relay; see ``ForwardListener/AdoptVisitor``.
    ///   - recorder: Keeps the forwards for the next start.
    ///   - visitorGrace: How long relays may take to abort when their forward is closed.
    ///   - retryInterval: Between attempts to listen on a port that cannot be had. Two seconds: the port is back before
    ///     anybody has looked twice, and a failed bind takes microseconds, so that thousands of ports cost nothing.
    package init(
        eventLoop: any EventLoop,
        bindAddress: SocketAddress,
        isSessionLive: @escaping @Sendable (ClientUID) async -> Bool,
        adoptVisitor: @escaping ForwardListener.AdoptVisitor,
        recorder: ForwardRecorder,
        visitorGrace: TimeAmount = .seconds(2),
        retryInterval: Duration = .seconds(2),
        logger: Logger
    ) {
        self.eventLoop = eventLoop
        self.bindAddress = bindAddress
        self.isSessionLive = isSessionLive
        self.adoptVisitor = adoptVisitor
        self.recorder = recorder
        self.visitorGrace = visitorGrace
        self.retryInterval = retryInterval
        self.logger = logger
    }

    // MARK: Opening

    /// Opens a forward. Returns when it is listened on and stored.
    ///
    /// - Parameter requested: Port zero means any free port.
    /// - Returns: The forward with its real port.
    /// - Throws: ``ForwardError``; nothing is left open or stored then.
    package func open(_ requested: Forward) async throws(ForwardError) -> Forward {
        guard await isSessionLive(requested.uid) else {
            throw .unknownClientUID(requested.uid)
        }
        guard !isShuttingDown else {
            throw .shuttingDown
        }
        let listener =
            requested.port.isAnyFree
            ? try await listenOnFreePort(for: requested)
            : try await listenOnRequestedPort(for: requested)
        do throws(ForwardError) {
            try await store(listener.forward)
        } catch {
            await listener.stop()
            await listener.open.endVisitors(within: visitorGrace)
            ports[listener.forward.port] = nil
            throw error
        }
        startedListening(listener)
        logger.info("forward opened", metadata: listener.forward.metadata())
        return listener.forward
    }

    /// Opens what was stored when the last process ended; no session needs to be live. Called once, before anybody else
    /// calls the table.
    ///
    /// A port that cannot be listened on is open all the same, and listened on as soon as it can be.
    ///
    /// - Parameter forwards: One for each port, none of them zero.
    package func restore(_ forwards: [Forward]) async {
        for forward in forwards where ports[forward.port] == nil {
            ports[forward.port] = .opening
            let open = OpenForward(forward, on: eventLoop)
            do throws(ForwardError) {
                startedListening(try await listen(for: open))
                logger.info("forward restored", metadata: forward.metadata())
            } catch {
                logger.warning(
                    "restored forward cannot be listened on; trying again until it can",
                    metadata: forward.metadata(error)
                )
                retry(open, after: error)
            }
        }
    }

    private func listenOnRequestedPort(for requested: Forward) async throws(ForwardError) -> ForwardListener {
        let port = requested.port
        switch ports[port] {
        case nil: break
        case .opening, .listening, .retrying, .stopped: throw .portInUse(port, cause: "it is open as a forward")
        case .closing: throw .portInUse(port, cause: "it is being closed")
        }
        ports[port] = .opening
        do throws(ForwardError) {
            return try await listen(for: OpenForward(requested, on: eventLoop))
        } catch {
            ports[port] = nil
            throw error
        }
    }

    private func listenOnFreePort(for requested: Forward) async throws(ForwardError) -> ForwardListener {
        for _ in 0..<Self.freePortAttempts {
            let listener = try await listen(for: OpenForward(requested, on: eventLoop))
            if ports[listener.forward.port] == nil {
                ports[listener.forward.port] = .opening
                return listener
            }
            // The system gave a port that the table holds without listening on it: leave it to its forward.
            await listener.stop()
            await listener.open.endVisitors(within: .zero)
        }
        throw .portInUse(requested.port, cause: "no free port was found")
    }

    private func listen(for open: OpenForward) async throws(ForwardError) -> ForwardListener {
        try await ForwardListener.listen(
            for: open,
            at: bindAddress,
            on: eventLoop,
            adoptVisitor: adoptVisitor,
            logger: logger
        )
    }

    private func startedListening(_ listener: ForwardListener) {
        ports[listener.forward.port] = .listening(listener)
        listener.whenClosed { [weak self] in
            Task { await self?.socketClosed(listener) }
        }
    }

    private func store(_ forward: Forward) async throws(ForwardError) {
        do {
            try await recorder.save(forward)
        } catch {
            logger.error("forward could not be stored", metadata: forward.metadata(error))
            throw .notStored(forward.port, cause: "\(error)")
        }
        guard !isShuttingDown else {
            // What is refused must not be back at the next start.
            try await forget(forward)
            throw .shuttingDown
        }
    }

    private func forget(_ forward: Forward) async throws(ForwardError) {
        do {
            try await recorder.remove(forward.port)
        } catch {
            logger.error("forward could not be removed from the store", metadata: forward.metadata(error))
            throw .notRemoved(forward.port, cause: "\(error)")
        }
    }

    // MARK: Listening again

    private func socketClosed(_ listener: ForwardListener) {
        guard case .listening(let current) = ports[listener.forward.port], current === listener else {
            return
        }
        logger.error(
            "forward's socket failed; trying to listen again until it can",
            metadata: listener.forward.metadata()
        )
        retry(listener.open, after: .socketFailed(listener.forward.port))
    }

    /// Moves a port to `retrying`.
    private func retry(_ open: OpenForward, after problem: ForwardError) {
        let attempts = Task { await listenAgain(for: open) }
        ports[open.forward.port] = .retrying(open, problem: problem, attempts: attempts)
    }

    /// The task is cancelled in the same step in which the port leaves `retrying` otherwise.
    private func listenAgain(for open: OpenForward) async {
        while true {
            do {
                try await Task.sleep(for: retryInterval)
            } catch {
                return  // cancelled
            }
            do throws(ForwardError) {
                let listener = try await listen(for: open)
                guard !Task.isCancelled else {
                    await listener.stop()
                    return
                }
                startedListening(listener)
                logger.info("forward is listened on again", metadata: open.forward.metadata())
                return
            } catch {
                noteFailedAttempt(of: open, error)
            }
        }
    }

    private func noteFailedAttempt(of open: OpenForward, _ problem: ForwardError) {
        guard !Task.isCancelled, case .retrying(_, _, let attempts) = ports[open.forward.port] else {
            return
        }
        ports[open.forward.port] = .retrying(open, problem: problem, attempts: attempts)
        logger.debug("forward still cannot be listened on", metadata: open.forward.metadata(problem))
    }

    // MARK: Closing

    /// Removes a forward from the store, stops listening on its port and aborts its relays. Returns when the port is free.
    ///
    /// It is removed from the store first: a forward that could not be is not closed either, so that what is open and what
    /// the next start brings back are the same. Of several calls for one open port all succeed, or fail for one reason.
    ///
    /// - Throws: ``ForwardError/notFound(_:)`` when the port is not open, ``ForwardError/notRemoved(_:cause:)``.
    package func close(_ port: ForwardPort) async throws(ForwardError) {
        let closing: Task<ForwardError?, Never>
        switch ports[port] {
        case nil, .opening: throw .notFound(port)
        case .listening(let listener): closing = startClosing(listener.open, listener)
        case .retrying(let open, let problem, let attempts):
            attempts.cancel()
            closing = startClosing(open, problem: problem, attempts: attempts)
        case .stopped(let open): closing = startClosing(open)
        case .closing(let task): closing = task
        }
        if let problem = await closing.value {
            throw problem
        }
    }

    /// Moves a port to `closing`, and from there out of the table, or back if it cannot be removed from the store.
    ///
    /// - Parameters:
    ///   - listener: The one that listens on it.
    ///   - problem: Why nobody does.
    ///   - attempts: To listen, cancelled already.
    private func startClosing(
        _ open: OpenForward,
        _ listener: ForwardListener? = nil,
        problem: ForwardError? = nil,
        attempts: Task<Void, Never>? = nil
    ) -> Task<ForwardError?, Never> {
        let task = Task { () -> ForwardError? in
            await attempts?.value
            do throws(ForwardError) {
                try await forget(open.forward)
            } catch {
                await keepOpen(open, listener, problem)
                return error
            }
            await end(open, listener)
            return nil
        }
        ports[open.forward.port] = .closing(task)
        return task
    }

    private func keepOpen(_ open: OpenForward, _ listener: ForwardListener?, _ problem: ForwardError?) async {
        if isShuttingDown {
            await end(open, listener)
        } else if let listener, listener.isListening {
            ports[open.forward.port] = .listening(listener)
        } else {
            retry(open, after: problem ?? .socketFailed(open.forward.port))
        }
    }

    private func end(_ open: OpenForward, _ listener: ForwardListener?) async {
        await listener?.stop()
        await open.endVisitors(within: visitorGrace)
        ports[open.forward.port] = nil
        logger.info("forward closed", metadata: open.forward.metadata())
    }

    // MARK: Shutting down

    /// Stops listening on every port and refuses new forwards, for good. Visitors are left alone, and nothing is removed
    /// from the store. Returns when the ports are free, but for those that are being opened or closed: these are freed by
    /// whoever does that.
    package func stopAccepting() async {
        isShuttingDown = true
        await withTaskGroup(of: Void.self) { group in
            for (port, state) in ports {
                switch state {
                case .listening(let listener):
                    ports[port] = .stopped(listener.open)
                    group.addTask { await listener.stop() }
                case .retrying(let open, _, let attempts):
                    ports[port] = .stopped(open)
                    attempts.cancel()
                    group.addTask { await attempts.value }
                case .opening, .stopped, .closing:
                    break  // What is being opened sees `isShuttingDown` when it is stored.
                }
            }
        }
    }

    /// Aborts the relays of the visitors that are still there after ``stopAccepting()``. Returns when they are gone.
    package func endVisitors() async {
        for (port, state) in ports {
            if case .stopped(let open) = state {
                ports[port] = .closing(
                    Task {
                        await end(open, nil)
                        return nil
                    }
                )
            }
        }
        for state in ports.values {
            if case .closing(let task) = state {
                _ = await task.value
            }
        }
    }

    /// Closes every forward and refuses new ones, for good; what is stored stays stored.
    package func closeAll() async {
        await stopAccepting()
        await endVisitors()
    }

    // MARK: Listing

    /// The open forwards, by port: all that are stored, but for those that are being opened or closed at this moment.
    package func list() async -> [ForwardStatus] {
        let listed = ports.values.compactMap { state -> (open: OpenForward, problem: ForwardError?)? in
            switch state {
            case .listening(let listener): (listener.open, nil)
            case .retrying(let open, let problem, _): (open, problem)
            case .stopped(let open): (open, .shuttingDown)
            case .opening, .closing: nil
            }
        }.sorted { $0.open.forward.port < $1.open.forward.port }
        let readings = await readings(of: listed.map(\.open.visitors))
        return zip(listed, readings).map { entry, reading in
            ForwardStatus(forward: entry.open.forward, problem: entry.problem, reading: reading)
        }
    }

    /// The visitors that have a relay, of all forwards.
    package func openRelayCount() async -> Int {
        await list().reduce(0) { $0 + $1.reading.openRelays }
    }

    private func readings(of visitors: [NIOLoopBoundBox<VisitorSet>]) async -> [ForwardMeter.Reading] {
        do {
            return try await eventLoop.submit { visitors.map { $0.value.meter.reading } }.get()
        } catch {
            return []  // The event loop has ended, and with it every forward.
        }
    }
}
