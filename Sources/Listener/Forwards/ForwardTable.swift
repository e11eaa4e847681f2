package import Logging
package import NIOCore
package import Shared

/// All forwards of the listener: opens, closes and lists them.
///
/// One per listener. Every port is in exactly one state, which is set before each `await` and checked after it, so that
/// concurrent calls for one port end as if they had come one after another:
///
///             open                   listening
///     (none) ──────▶ opening ───────────────────────▶ open
///        ▲              │ failed                        │ close, or the socket died
///        ├──────────────┘                               ▼
///        └────────────────────────────────────────── closing
///                         socket and visitors gone
package actor ForwardTable {
    private enum PortState {
        /// An `open` call is binding the port.
        case opening
        case open(ForwardListener)
        /// The task ends when the port is free.
        case closing(Task<Void, Never>)
    }

    /// How often another free port is tried when the one that the system chose is on its way out of the table.
    private static let freePortAttempts = 3

    private let eventLoop: any EventLoop
    private let bindAddress: SocketAddress
    private let isSessionLive: @Sendable (ClientUID) async -> Bool
    private let adoptVisitor: ForwardListener.AdoptVisitor
    private let visitorGrace: TimeAmount
    private let logger: Logger

    private var ports: [ForwardPort: PortState] = [:]
    private var isShuttingDown = false

    /// - Parameters:
    ///   - eventLoop: The NIOPosix loop on which every listening socket and every visitor lives.
    ///   - bindAddress: The IP address to listen on; its port is not used.
    ///   - isSessionLive: Whether a connector with the UID is connected now.
    ///   - adoptVisitor: Makes an accepted channel a relay; see ``ForwardListener/AdoptVisitor``.
    ///   - visitorGrace: How long relays may take to abort when their forward is closed.
    package init(
        eventLoop: any EventLoop,
        bindAddress: SocketAddress,
        isSessionLive: @escaping @Sendable (ClientUID) async -> Bool,
        adoptVisitor: @escaping ForwardListener.AdoptVisitor,
        visitorGrace: TimeAmount = .seconds(2),
        logger: Logger
    ) {
        self.eventLoop = eventLoop
        self.bindAddress = bindAddress
        self.isSessionLive = isSessionLive
        self.adoptVisitor = adoptVisitor
        self.visitorGrace = visitorGrace
        self.logger = logger
    }

    /// Opens a forward.
    ///
    /// - Parameter requested: Port zero means any free port.
    /// - Returns: The forward with its real port.
    /// - Throws: ``ForwardError``; nothing is left open then.
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
        let forward = listener.forward
        guard !isShuttingDown else {
            await startClosing(listener).value
            throw .shuttingDown
        }
        ports[forward.port] = .open(listener)
        listener.whenClosed { [weak self] in
            Task { await self?.socketClosed(listener) }
        }
        logger.info("forward opened", metadata: Self.metadata(of: forward))
        return forward
    }

    /// Stops listening on a port and aborts its relays. Returns when the port is free.
    ///
    /// Of several calls for one open port all succeed.
    ///
    /// - Throws: ``ForwardError/notFound(_:)`` when the port is not open.
    package func close(_ port: ForwardPort) async throws(ForwardError) {
        switch ports[port] {
        case nil, .opening:
            throw .notFound(port)
        case .open(let listener):
            await startClosing(listener).value
        case .closing(let task):
            await task.value
        }
    }

    /// Closes every forward and refuses new ones, for good.
    package func closeAll() async {
        isShuttingDown = true
        for state in ports.values {
            if case .open(let listener) = state {
                _ = startClosing(listener)
            }
        }
        // Ports that are being opened see `isShuttingDown` and close themselves.
        for state in ports.values {
            if case .closing(let task) = state {
                await task.value
            }
        }
    }

    /// The open forwards, by port.
    package func list() -> [Forward] {
        ports.values.compactMap { state in
            switch state {
            case .open(let listener): listener.forward
            case .opening, .closing: nil
            }
        }.sorted { $0.port < $1.port }
    }

    private func listenOnRequestedPort(for requested: Forward) async throws(ForwardError) -> ForwardListener {
        switch ports[requested.port] {
        case nil: break
        case .opening, .open: throw .portInUse(requested.port, cause: "it is open as a forward")
        case .closing: throw .portInUse(requested.port, cause: "it is being closed")
        }
        ports[requested.port] = .opening
        do throws(ForwardError) {
            return try await listen(for: requested)
        } catch {
            ports[requested.port] = nil
            throw error
        }
    }

    private func listenOnFreePort(for requested: Forward) async throws(ForwardError) -> ForwardListener {
        for _ in 0..<Self.freePortAttempts {
            let listener = try await listen(for: requested)
            if ports[listener.forward.port] == nil {
                ports[listener.forward.port] = .opening
                return listener
            }
            // The system gave a port that another call is opening or closing at this moment: leave it to that call.
            await listener.close(visitorGrace: .zero)
        }
        throw .portInUse(requested.port, cause: "no free port was found")
    }

    private func listen(for requested: Forward) async throws(ForwardError) -> ForwardListener {
        try await ForwardListener.listen(
            for: requested,
            at: bindAddress,
            on: eventLoop,
            adoptVisitor: adoptVisitor,
            logger: logger
        )
    }

    /// Moves the listener's port to `closing`, and from there out of the table.
    private func startClosing(_ listener: ForwardListener) -> Task<Void, Never> {
        let task = Task {
            await listener.close(visitorGrace: visitorGrace)
            ports[listener.forward.port] = nil
            logger.info("forward closed", metadata: Self.metadata(of: listener.forward))
        }
        ports[listener.forward.port] = .closing(task)
        return task
    }

    /// A dead port is not listed as open.
    private func socketClosed(_ listener: ForwardListener) {
        guard case .open(let current) = ports[listener.forward.port], current === listener else {
            return
        }
        logger.error("forward lost: its socket failed; open it again", metadata: Self.metadata(of: listener.forward))
        _ = startClosing(listener)
    }

    private static func metadata(of forward: Forward) -> Logger.Metadata {
        [
            LogKeys.forwardPort: "\(forward.port)",
            LogKeys.clientUID: "\(forward.uid)",
            LogKeys.relayTarget: "\(forward.target)",
        ]
    }
}
