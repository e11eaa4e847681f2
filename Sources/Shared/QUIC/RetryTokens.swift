internal import CQuic
internal import NIOCore

/// Makes and checks the tokens of Retry packets (RFC 9000 §8.1.2): a client that returns one owns its address.
struct RetryTokens {
    /// How long a token may be used: a round trip and the client's computing, generously.
    private static let lifetime = TimeAmount.seconds(10)

    private let key: [UInt8]

    /// - Parameter key: ``EndpointKeys/retryToken``.
    init(key: [UInt8]) {
        self.key = key
    }

    /// - Returns: a token for this address and these IDs, or nil when memory ran out.
    func make(path: NetworkPath, retryID: QUICConnectionID, originalID: QUICConnectionID, now: QUICTime) -> [UInt8]? {
        var token = [UInt8](repeating: 0, count: warp_max_retry_token_length())
        let remote = path.pointer.pointee.remote
        let length = retryID.withNGTCP2 { retry in
            originalID.withNGTCP2 { original in
                ngtcp2_crypto_generate_retry_token(
                    &token,
                    key,
                    key.count,
                    warp_quic_version_1(),
                    remote.addr,
                    remote.addrlen,
                    retry,
                    original,
                    now.nanoseconds
                )
            }
        }
        guard length > 0 else { return nil }
        return Array(token.prefix(length))
    }

    /// - Returns: the connection ID of the client's first packet, or nil when the token is not ours, not for this
    ///   address or too old.
    func originalID(
        from token: UnsafeBufferPointer<UInt8>,
        path: NetworkPath,
        destinationID: QUICConnectionID,
        now: QUICTime
    ) -> QUICConnectionID? {
        var original = ngtcp2_cid()
        let remote = path.pointer.pointee.remote
        let result = destinationID.withNGTCP2 { destination in
            ngtcp2_crypto_verify_retry_token(
                &original,
                token.baseAddress,
                token.count,
                key,
                key.count,
                warp_quic_version_1(),
                remote.addr,
                remote.addrlen,
                destination,
                UInt64(Self.lifetime.nanoseconds),
                now.nanoseconds
            )
        }
        return result == 0 ? QUICConnectionID(&original) : nil
    }
}
