internal import CQuic

/// Tells for each datagram which connection it is for, and answers those that are for none (RFC 9000 §5.2, §6, §8.1,
/// §10.3). Generic over what the owner keeps for a connection. Sans-I/O; confined to one event loop.
///
/// Nothing that it does for an unknown sender costs memory or sends more than it received: a Version Negotiation, a Retry
/// or a stateless reset is smaller than the datagram that caused it.
package final class QUICEndpoint<Connection: AnyObject> {
    /// What to do with a datagram.
    package enum Route {
        case connection(Connection)
        /// A client's first packet: make a connection of it.
        case attempt(ConnectionAttempt)
        /// Answer with this datagram.
        case reply([UInt8])
        case drop(DatagramDropReason)
    }

    private let random: RandomSource
    private let resetSecret: StatelessResetSecret
    private let retryTokens: RetryTokens
    private let limits: HalfOpenLimits?
    private var table = ConnectionTable<Connection>()
    /// Clients between their first packet and their admission; the owner counts them.
    package var halfOpenCount = 0

    /// - Parameters:
    ///   - keys: those of the last run, or new ones.
    ///   - limits: nil = this endpoint is a client only.
    package init(random: RandomSource, keys: EndpointKeys, limits: HalfOpenLimits?) {
        self.random = random
        resetSecret = keys.statelessReset
        self.limits = limits
        retryTokens = RetryTokens(key: keys.retryToken)
    }

    /// Judges one datagram; borrowed for the call.
    package func route(_ datagram: UnsafeRawBufferPointer, path: NetworkPath, now: QUICTime) -> Route {
        // ngtcp2 aborts the program when it is asked to read an empty packet.
        guard !datagram.isEmpty else { return .drop(.malformed) }
        let bytes = datagram.bindMemory(to: UInt8.self)
        var header = ngtcp2_version_cid()
        let result = ngtcp2_pkt_decode_version_cid(
            &header,
            bytes.baseAddress,
            bytes.count,
            QUICConnectionID.issuedLength
        )
        switch result {
        case 0:
            break
        case NGTCP2_ERR_VERSION_NEGOTIATION:
            return versionNegotiation(header, datagramBytes: bytes.count)
        default:
            return .drop(.malformed)
        }
        let destination = UnsafeRawBufferPointer(start: header.dcid, count: header.dcidlen)
        guard let id = QUICConnectionID(destination) else { return .drop(.malformed) }
        if let connection = table.find(id) {
            return .connection(connection)
        }
        if header.version == 0 {
            // Version negotiation (RFC 9000 §17.2.1) is for a client, which has its ID.
            guard bytes[0] & 0x80 == 0 else { return .drop(.malformed) }
            // RFC 9000 §10.3.1: a stateless reset carries no ID of ours. A client's socket has one connection, which
            // knows the token.
            if limits == nil, let connection = table.only {
                return .connection(connection)
            }
            return statelessReset(id, datagramBytes: bytes.count)
        }
        return accept(bytes, path: path, now: now)
    }

    /// The datagram that tells a client that no connection is made of its attempt (RFC 9000 §5.2.2).
    package func refusal(of attempt: ConnectionAttempt) -> [UInt8]? {
        let route = close(
            destination: attempt.destinationID,
            source: attempt.clientSourceID,
            code: UInt64(NGTCP2_CONNECTION_REFUSED)
        )
        guard case .reply(let datagram) = route else { return nil }
        return datagram
    }

    /// Packets that carry `id` are for `connection` from now on.
    package func register(_ connection: Connection, for id: QUICConnectionID) {
        table.insert(connection, for: id)
    }

    /// Every connection, once.
    package var connections: [Connection] { table.connections }

    package func unregister(_ id: QUICConnectionID) {
        table.remove(id)
    }

    // MARK: Private

    private func accept(_ bytes: UnsafeBufferPointer<UInt8>, path: NetworkPath, now: QUICTime) -> Route {
        guard let limits else { return .drop(.notAServer) }
        var header = ngtcp2_pkt_hd()
        // RFC 9000 §14.1: a first packet fills a datagram of 1,200 bytes; ngtcp2 checks it.
        guard ngtcp2_accept(&header, bytes.baseAddress, bytes.count) == 0 else { return .drop(.notAnInitial) }
        guard halfOpenCount < limits.maximum else { return .drop(.tooManyHalfOpenHandshakes) }
        let destination = withUnsafePointer(to: &header.dcid) { QUICConnectionID($0) }
        let source = withUnsafePointer(to: &header.scid) { QUICConnectionID($0) }
        let token = UnsafeMutableBufferPointer(start: header.token.base, count: header.token.len)

        if let first = token.first, first == UInt8(NGTCP2_CRYPTO_TOKEN_MAGIC_RETRY) {
            let original = retryTokens.originalID(
                from: UnsafeBufferPointer(token),
                path: path,
                destinationID: destination,
                now: now
            )
            guard let original else {
                // RFC 9000 §8.1.2: rather than let a client with an invalid token time out.
                return close(destination: destination, source: source, code: UInt64(NGTCP2_INVALID_TOKEN))
            }
            return .attempt(
                ConnectionAttempt(
                    destinationID: destination,
                    clientSourceID: source,
                    originalDestinationID: original,
                    isRetried: true,
                    token: Array(token)
                )
            )
        }
        if halfOpenCount >= limits.retryThreshold {
            return retry(destination: destination, source: source, path: path, now: now)
        }
        return .attempt(
            ConnectionAttempt(
                destinationID: destination,
                clientSourceID: source,
                originalDestinationID: destination,
                isRetried: false,
                token: []
            )
        )
    }

    private func retry(
        destination: QUICConnectionID,
        source: QUICConnectionID,
        path: NetworkPath,
        now: QUICTime
    ) -> Route {
        let retryID = random.connectionID()
        guard let token = retryTokens.make(path: path, retryID: retryID, originalID: destination, now: now) else {
            return .drop(.tooManyHalfOpenHandshakes)
        }
        return reply { packet in
            source.withNGTCP2 { clientID in
                retryID.withNGTCP2 { newID in
                    destination.withNGTCP2 { originalID in
                        ngtcp2_crypto_write_retry(
                            packet.baseAddress,
                            packet.count,
                            warp_quic_version_1(),
                            clientID,
                            newID,
                            originalID,
                            token,
                            token.count
                        )
                    }
                }
            }
        }
    }

    // A close for a client that there is no connection with (RFC 9000 §10.2.3).
    private func close(destination: QUICConnectionID, source: QUICConnectionID, code: UInt64) -> Route {
        reply { packet in
            source.withNGTCP2 { clientID in
                destination.withNGTCP2 { ourID in
                    ngtcp2_crypto_write_connection_close(
                        packet.baseAddress,
                        packet.count,
                        warp_quic_version_1(),
                        clientID,
                        ourID,
                        code,
                        nil,
                        0
                    )
                }
            }
        }
    }

    private func versionNegotiation(_ header: ngtcp2_version_cid, datagramBytes: Int) -> Route {
        // RFC 9000 §6.1: only to a datagram that is large enough to be a first one.
        guard limits != nil, datagramBytes >= Self.minimumInitialBytes else { return .drop(.malformed) }
        var version = warp_quic_version_1()
        let unused = random.bytes(1)
        return reply { packet in
            ngtcp2_pkt_write_version_negotiation(
                packet.baseAddress,
                packet.count,
                unused[0],
                header.scid,
                header.scidlen,
                header.dcid,
                header.dcidlen,
                &version,
                1
            )
        }
    }

    private func statelessReset(_ id: QUICConnectionID, datagramBytes: Int) -> Route {
        // RFC 9000 §10.3.3: smaller than what caused it, so that two endpoints never answer each other for ever; and
        // §10.3: at least 21 bytes, so that it looks like any short packet.
        let size = min(datagramBytes - 1, Self.resetBytes)
        guard size >= Self.minimumResetBytes else { return .drop(.unknownConnection) }
        return statelessReset(id, bytes: size)
    }

    /// A stateless reset of a connection that is not known any more, without having been asked: its peer is told before it
    /// sends anything.
    ///
    /// - Parameter id: a connection ID that this endpoint issued, with the secret that it has now.
    package func statelessReset(of id: QUICConnectionID) -> [UInt8]? {
        guard case .reply(let datagram) = statelessReset(id, bytes: Self.resetBytes) else { return nil }
        return datagram
    }

    private func statelessReset(_ id: QUICConnectionID, bytes size: Int) -> Route {
        var token = [UInt8](repeating: 0, count: Int(NGTCP2_STATELESS_RESET_TOKENLEN))
        token.withUnsafeMutableBytes { resetSecret.writeToken(for: id, to: $0) }
        let unpredictable = random.bytes(size - token.count)
        return reply { packet in
            ngtcp2_pkt_write_stateless_reset(
                packet.baseAddress,
                packet.count,
                token,
                unpredictable,
                unpredictable.count
            )
        }
    }

    private func reply(_ write: (UnsafeMutableBufferPointer<UInt8>) -> Int) -> Route {
        let packet = [UInt8](unsafeUninitializedCapacity: Self.minimumInitialBytes) { buffer, count in
            count = max(0, write(buffer))
        }
        return packet.isEmpty ? .drop(.malformed) : .reply(packet)
    }

    private static var minimumInitialBytes: Int { 1200 }
    private static var minimumResetBytes: Int { 21 }
    private static var resetBytes: Int { 42 }
}

@available(*, unavailable)
extension QUICEndpoint: Sendable {}
