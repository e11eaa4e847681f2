package import NIOCore
package import Shared

/// Two connections joined in virtual time, without sockets: the client's, and the server's that its first packet makes
/// (after quinn's `Pair`).
///
/// Time moves only in ``advance(by:until:)``, from one arrival or expiry to the next, so a test of a minute's silence takes
/// no time. Both ends route through a ``QUICEndpoint``, as the programs do.
package final class ConnectionPair {
    /// What an end is made with.
    package struct Configuration: Sendable {
        package var client = TransportSettings(applicationProtocols: [.original])
        package var server = TransportSettings(applicationProtocols: [.original])
        package var clientTLS: TLSConfiguration
        package var serverTLS: TLSConfiguration
        package var limits = HalfOpenLimits(retryThreshold: 100, maximum: 1000)
        package var conditions = NetworkConditions.perfect
        package var seed: UInt64 = 1

        package init(clientTLS: TLSConfiguration, serverTLS: TLSConfiguration) {
            self.clientTLS = clientTLS
            self.serverTLS = serverTLS
            client.maximumPeerStreams = 100
            server.maximumPeerStreams = 100
        }
    }

    package let client: ConnectionEnd
    /// Nothing before the client's first packet has made it, and after ``forgetServer()``.
    package private(set) var server: ConnectionEnd?
    package var network: VirtualNetwork
    package private(set) var now = QUICTime(nanoseconds: 1_000_000_000)
    /// Datagrams that led to no connection at the server.
    package private(set) var serverDrops: [DatagramDropReason] = []
    /// Datagrams with which the server's endpoint itself answered.
    package private(set) var serverReplies = 0
    package private(set) var serverEndpoint: QUICEndpoint<QUICConnection>
    package let clientEndpoint: QUICEndpoint<QUICConnection>

    private let configuration: Configuration
    private let clientPath: NetworkPath
    private let serverPath: NetworkPath
    private let serverRandom: RandomSource
    private let serverKeys: EndpointKeys
    private var stepsWithoutProgress = 0

    /// Makes the client; its first packet leaves when time advances.
    package init(_ configuration: Configuration) throws {
        self.configuration = configuration
        network = VirtualNetwork(conditions: configuration.conditions, seed: configuration.seed)
        let clientAddress = try NIOCore.SocketAddress(ipAddress: "127.0.0.2", port: 40_000)
        let serverAddress = try NIOCore.SocketAddress(ipAddress: "127.0.0.1", port: 11_443)
        let clientLocal = try NIOCore.SocketAddress(ipAddress: "0.0.0.0", port: 40_000)
        clientPath = NetworkPath(local: clientLocal, remote: serverAddress)
        serverPath = NetworkPath(local: serverAddress, remote: clientAddress)
        let clientRandom = RandomSource(SplitMix64(state: configuration.seed &* 2 &+ 1))
        let clientKeys = EndpointKeys(random: clientRandom)
        clientEndpoint = QUICEndpoint(random: clientRandom, keys: clientKeys, limits: nil)
        serverRandom = RandomSource(SplitMix64(state: configuration.seed &* 2 &+ 2))
        serverKeys = EndpointKeys(random: serverRandom)
        serverEndpoint = QUICEndpoint(
            random: serverRandom,
            keys: serverKeys,
            limits: configuration.limits
        )
        let connection = try QUICConnection(
            client: configuration.client,
            tls: configuration.clientTLS,
            path: clientPath,
            random: clientRandom,
            resetSecret: clientKeys.statelessReset,
            now: now
        )
        client = ConnectionEnd(connection, endpoint: clientEndpoint)
    }

    // MARK: Time

    /// Lets at most `amount` pass.
    ///
    /// - Parameter condition: time stops as soon as it holds; nil = only when the time is over.
    /// - Returns: whether the condition holds at the end.
    /// - Throws: ``ConnectionPairError`` when the ends are busy for ever without time passing.
    @discardableResult
    package func advance(by amount: TimeAmount, until condition: (() -> Bool)? = nil) throws -> Bool {
        let end = now + amount
        while true {
            exchangeOutputs()
            if let condition, condition() { return true }
            guard let next = nextInstant, next <= end else { break }
            try step(to: next)
        }
        now = max(now, end)
        return condition?() ?? true
    }

    /// Lets time pass until both ends have finished the handshake and it is confirmed at the client.
    /// - Throws: ``ConnectionPairError/handshakeFailed(client:server:)``
    package func completeHandshake() throws {
        let isDone = try advance(by: .seconds(20)) {
            self.client.events.contains(.handshakeConfirmed) && self.server?.hasCompletedHandshake == true
        }
        guard isDone else {
            throw ConnectionPairError.handshakeFailed(client: client.closure, server: server?.closure)
        }
    }

    /// The server's end.
    /// - Throws: ``ConnectionPairError/noServer`` when there is none.
    package func requireServer() throws -> ConnectionEnd {
        guard let server else { throw ConnectionPairError.noServer }
        return server
    }

    /// The end at `side`.
    /// - Throws: ``ConnectionPairError/noServer`` when it is the server's and there is none.
    package func end(_ side: ConnectionSide) throws -> ConnectionEnd {
        side == .client ? client : try requireServer()
    }

    // MARK: Commands

    /// The server starts anew: it knows no connection any more, but has its secrets.
    package func forgetServer() {
        server = nil
        serverEndpoint = QUICEndpoint(
            random: serverRandom,
            keys: serverKeys,
            limits: configuration.limits
        )
    }

    /// Hands a datagram to an end as if it had come from the other one.
    package func deliver(_ datagram: [UInt8], to side: ConnectionSide) throws {
        switch side {
        case .client: deliverToClient(datagram)
        case .server: try deliverToServer(datagram)
        }
    }

    // MARK: Private

    private var nextInstant: QUICTime? {
        [network.nextArrival, client.connection.expiry, server?.connection.expiry].compactMap { $0 }.min()
    }

    private func step(to next: QUICTime) throws {
        stepsWithoutProgress = next > now ? 0 : stepsWithoutProgress + 1
        // A driver would spin here with a core of its own.
        guard stepsWithoutProgress < 10_000 else { throw ConnectionPairError.noProgress }
        now = max(now, next)
        while let (bytes, receiver) = network.receive(by: now) {
            try deliver(bytes, to: receiver)
        }
        for end in [client, server].compactMap({ $0 }) {
            end.handleExpiry(now: now)
        }
    }

    /// As ``ConnectionDriver`` does: events, datagrams, events; but after nothing but received datagrams, only if the
    /// connection wants to write. An expiry comes when it is due, while a driver has it wait for some milliseconds: what
    /// depends on that shows in tests of the driver only.
    private func exchangeOutputs() {
        for side in ConnectionSide.allCases {
            guard let end = side == .client ? client : server else { continue }
            end.takeEvents()
            var isBusy = end.takeNeedsDrive() || end.connection.wantsToWrite
            while isBusy {
                for datagram in end.write(now: now) {
                    network.send(datagram, from: side, now: now)
                }
                isBusy = end.takeEvents()
            }
        }
    }

    private func deliverToClient(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { datagram in
            switch clientEndpoint.route(datagram, path: clientPath, now: now) {
            case .connection(let connection):
                connection.receive(DatagramRun(datagram), path: clientPath, ecn: 0, now: now)
            case .reply(let answer): network.send(answer, from: .client, now: now)
            case .attempt, .drop: break
            }
        }
    }

    private func deliverToServer(_ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { datagram in
            switch serverEndpoint.route(datagram, path: serverPath, now: now) {
            case .connection(let connection):
                connection.receive(DatagramRun(datagram), path: serverPath, ecn: 0, now: now)
            case .attempt(let attempt):
                let connection = try QUICConnection(
                    server: configuration.server,
                    tls: configuration.serverTLS,
                    attempt: attempt,
                    path: serverPath,
                    random: serverRandom,
                    resetSecret: serverKeys.statelessReset,
                    now: now
                )
                server = ConnectionEnd(connection, endpoint: serverEndpoint)
                connection.receive(DatagramRun(datagram), path: serverPath, ecn: 0, now: now)
            case .reply(let answer):
                serverReplies += 1
                network.send(answer, from: .server, now: now)
            case .drop(let reason): serverDrops.append(reason)
            }
        }
    }
}

@available(*, unavailable)
extension ConnectionPair: Sendable {}

/// What a ``ConnectionPair`` could not do.
package enum ConnectionPairError: Error, Hashable, Sendable {
    case noServer
    case handshakeFailed(client: ConnectionClosure?, server: ConnectionClosure?)
    /// Expiries came again and again at the same instant.
    case noProgress
}
