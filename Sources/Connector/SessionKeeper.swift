import Logging
import NIOCore
import Shared

/// Keeps a session with the listener: resolves its name, dials, serves, and begins anew when that ends, until shutdown.
///
/// What comes next is decided by ``ReconnectStateMachine``. Confined to one event loop.
final class SessionKeeper {
    /// What it takes to dial.
    struct Listener: Sendable {
        let name: ServerName
        /// UDP, 1 to 65,535.
        let port: UInt16
        let transport: TransportSettings
        let tls: TLSConfiguration
        let resolver: HostResolver

        var dialling: String { "dialling \(name.text), UDP port \(port)" }
        var connected: String { "connected to \(name.text), UDP port \(port)" }
    }

    private let listener: Listener
    private let policy: ListenerSessionPolicy
    private let eventLoop: any EventLoop
    private let logger: Logger
    private let report: @Sendable (String) -> Void
    private let ended: EventLoopPromise<Void>
    private var machine = ReconnectStateMachine()
    private var generator = SystemRandomNumberGenerator()
    private var dialer: Dialer?
    private var session: ListenerSession?
    private var timer: Scheduled<Void>?
    private var hasWarnedOfBuffers = false

    /// - Parameter report: told in a few words what it is doing, for the service manager's status.
    init(
        listener: Listener,
        policy: ListenerSessionPolicy,
        eventLoop: any EventLoop,
        logger: Logger,
        report: @escaping @Sendable (String) -> Void
    ) {
        self.listener = listener
        self.policy = policy
        self.eventLoop = eventLoop
        self.logger = logger
        self.report = report
        ended = eventLoop.makePromise()
    }

    /// Begins.
    ///
    /// - Returns: succeeds after ``shutDown()``; fails with ``ConnectorFailure``, logged, when no retry can help.
    func run() -> EventLoopFuture<Void> {
        perform(machine.start())
        return ended.futureResult
    }

    /// Lets relays finish, then ends.
    func shutDown() {
        perform(machine.shutdown())
    }

    /// Ends now.
    func shutDownNow() {
        perform(machine.shutdown())
        session?.close()
        dialer?.cancel()
    }

    // MARK: Private

    private func perform(_ action: ReconnectStateMachine.Action) {
        switch action {
        case .none:
            break
        case .dial:
            dial()
        case .wait(let time):
            logger.info("dialling again soon", metadata: [LogKeys.wait: "\(time.nanoseconds / 1_000_000) ms"])
            timer = eventLoop.assumeIsolated().scheduleTask(in: time) { self.perform(self.machine.waited()) }
        case .close:
            if let session {
                session.drain()
            } else if let dialer {
                dialer.cancel()
            } else {
                dialFailed(.lost(.local(.application(ApplicationErrorCode.shuttingDown.rawValue, reason: "cancelled"))))
            }
        case .finish:
            timer?.cancel()
            ended.succeed()
        case .fail(let failure):
            log(failure, level: .error)
            ended.fail(failure)
        }
    }

    private func dial() {
        report(listener.dialling)
        let question = listener.resolver.ask(listener.name.text, port: listener.port, on: eventLoop)
        question.answer.assumeIsolated().whenComplete { result in
            switch result {
            case .success(let addresses): self.dial(addresses)
            case .failure: self.dialFailed(.nameNotFound(self.listener.name.text))
            }
        }
    }

    private func dial(_ addresses: [SocketAddress]) {
        guard machine.isDialing else { return }  // shut down meanwhile
        let dialer = Dialer(
            addresses: addresses,
            settings: listener.transport,
            tls: listener.tls,
            eventLoop: eventLoop
        )
        self.dialer = dialer
        dialer.dial().assumeIsolated().whenComplete { result in
            self.dialer = nil
            switch result {
            case .success(let winner):
                self.warnOfBuffersOnce(winner.value.transport)
                self.session = ListenerSession(winner.value, policy: self.policy, owner: self, logger: self.logger)
            case .failure(let error):
                self.dialFailed(error as? ConnectorFailure ?? .socketUnusable("\(error)"))
            }
        }
    }

    private func warnOfBuffersOnce(_ transport: DatagramTransport) {
        guard !hasWarnedOfBuffers else { return }
        hasWarnedOfBuffers = true
        transport.logCappedBuffers(logger)
    }

    private func dialFailed(_ failure: ConnectorFailure) {
        perform(machine.dialFailed(failure, using: &generator), after: failure)
    }

    // A failure that ends the program is logged as that.
    private func perform(_ action: ReconnectStateMachine.Action, after failure: ConnectorFailure) {
        if case .wait = action {
            log(failure, level: .warning)
        }
        perform(action)
    }

    private func log(_ failure: ConnectorFailure, level: Logger.Level) {
        let (message, metadata) = failure.logEntry
        logger.log(level: level, message, metadata: metadata)
    }
}

extension SessionKeeper: ListenerSessionOwner {
    func sessionAdmitted(_ session: ListenerSession) {
        report(listener.connected)
        perform(machine.admitted(at: .now()))
    }

    func sessionEnded(_ session: ListenerSession, _ failure: ConnectorFailure, comeBackAfter: TimeAmount?) {
        self.session = nil
        let action = machine.sessionEnded(failure, at: .now(), comeBackAfter: comeBackAfter, using: &generator)
        perform(action, after: failure)
    }
}

@available(*, unavailable)
extension SessionKeeper: Sendable {}
