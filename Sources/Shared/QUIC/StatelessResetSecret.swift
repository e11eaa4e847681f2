internal import CQuic

/// The key from which stateless reset tokens are derived (RFC 9000 §10.3.2): an endpoint that has forgotten a connection
/// can still prove, from the connection ID alone, that the connection was its own.
package struct StatelessResetSecret: Sendable {
    private let key: [UInt8]

    /// - Parameter random: gives the 32 bytes of the key.
    package init(random: RandomSource) {
        key = random.bytes(32)
    }

    /// Writes the 16 bytes of the token for `id`.
    func writeToken(for id: QUICConnectionID, to destination: UnsafeMutableRawBufferPointer) {
        precondition(destination.count == Int(NGTCP2_STATELESS_RESET_TOKENLEN), "a token has 16 bytes")
        let result = id.withNGTCP2 { cid in
            ngtcp2_crypto_generate_stateless_reset_token(
                destination.bindMemory(to: UInt8.self).baseAddress,
                key,
                key.count,
                cid
            )
        }
        precondition(result == 0, "HKDF of 16 bytes cannot fail")
    }
}
