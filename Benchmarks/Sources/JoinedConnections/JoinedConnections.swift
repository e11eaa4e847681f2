import NIOCore
import Shared
import TestSupport

/// A client's and a server's connection in one memory: what one of them writes, the other is given in the same call.
///
/// No socket, no copy, no event loop, no clock: what is left is the cost of the connections. Time is virtual; it moves by
/// ``turnTime`` with each turn, and to the next expiry when neither end has anything to say.
final class JoinedConnections {
    /// Half of a round trip.
    private static let turnTime = TimeAmount.microseconds(25)
    /// A turn may bring nothing while a timer runs; so many in a row are a deadlock.
    private static let maximumIdleTurns = 1000

    let client: TransferEnd
    let server: TransferEnd
    private(set) var now: QUICTime
    private var idleTurns = 0

    /// Makes both connections and completes their handshake.
    ///
    /// - Parameters:
    ///   - streamCount: how many streams the client may open.
    ///   - seed: of connection IDs and whatever else the connections draw. TLS draws its keys from GnuTLS.
    init(streamCount: Int, controller: CongestionController, seed: UInt64) throws {
        // All RSA signatures are of one length, ECDSA's are not: so the handshake takes as many bytes in each run, and what
        // comes after it takes the same course.
        let pki = try ThrowAwayPKI(authorities: .rsaPKCS8)
        var settings = TransportSettings(applicationProtocols: [.warp])
        settings.congestionController = controller
        settings.maximumPeerStreams = streamCount
        let clientAddress = try NIOCore.SocketAddress(ipAddress: "127.0.0.2", port: 40_000)
        let serverAddress = try NIOCore.SocketAddress(ipAddress: "127.0.0.1", port: 11_443)
        let clientPath = NetworkPath(local: clientAddress, remote: serverAddress)
        let serverPath = NetworkPath(local: serverAddress, remote: clientAddress)
        let random = RandomSource(SplitMix64(state: seed))
        let keys = EndpointKeys(random: random)
        let start = QUICTime(nanoseconds: 1_000_000_000)

        let dialling = try QUICConnection(
            client: settings,
            tls: pki.tls(.client("bench").with { $0.key = .rsaPKCS8 }, expecting: .server(.dns("localhost"))),
            path: clientPath,
            random: random,
            resetSecret: keys.statelessReset,
            now: start
        )
        client = TransferEnd(dialling, path: clientPath)
        var firstFlight: [[UInt8]] = []
        client.write(now: start) { firstFlight.append(Array($0.bytes)) }  // one datagram each

        let limits = HalfOpenLimits(retryThreshold: 1, maximum: 1)
        let endpoint = QUICEndpoint<QUICConnection>(random: random, keys: keys, limits: limits)
        let route = firstFlight.first?.withUnsafeBytes { endpoint.route($0, path: serverPath, now: start) }
        guard case .attempt(let attempt) = route else { throw TransferFailure.noHandshake }
        let accepting = try QUICConnection(
            server: settings,
            tls: pki.tls(.server().with { $0.key = .rsaPKCS8 }, expecting: .client),
            attempt: attempt,
            path: serverPath,
            random: random,
            resetSecret: keys.statelessReset,
            now: start
        )
        server = TransferEnd(accepting, path: serverPath)
        now = start
        for datagram in firstFlight {
            datagram.withUnsafeBytes { server.receive(DatagramRun($0), now: start) }
        }
        while !client.isConfirmed {
            try takeTurns()
        }
    }

    /// Carries `byteCount` bytes from the client to the server, shared equally by the streams, which stay open.
    ///
    /// - Returns: how many bytes the server has received, `byteCount` less what the division leaves.
    @discardableResult
    func carry(_ byteCount: Int, on streams: [QUICStreamID]) throws -> Int {
        let goal = server.receivedBytes + byteCount / streams.count * streams.count
        for stream in streams {
            client.offer(byteCount / streams.count, on: stream)
        }
        while server.receivedBytes < goal {
            try takeTurns()
        }
        return byteCount / streams.count * streams.count
    }

    /// The client's turn, then the server's.
    private func takeTurns() throws {
        now = now + Self.turnTime
        let clientSpoke = client.takeTurn(now: now, peer: server)
        now = now + Self.turnTime
        let serverSpoke = server.takeTurn(now: now, peer: client)
        guard client.isActive, server.isActive else { throw TransferFailure.connectionClosed }
        guard !clientSpoke, !serverSpoke else {
            idleTurns = 0
            return
        }
        idleTurns += 1
        guard idleTurns < Self.maximumIdleTurns, let expiry = [client.expiry, server.expiry].compactMap({ $0 }).min()
        else { throw TransferFailure.nothingToSay }
        now = max(now, expiry)
    }
}
