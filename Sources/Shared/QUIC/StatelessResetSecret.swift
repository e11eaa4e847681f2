internal import CQuic

/// The key from which stateless reset tokens are derived (RFC 9000 §10.3.2): an endpoint that has forgotten a connection
/// can still prove, from the connection ID alone, that the connection was its own.
package struct StatelessResetSecret: Sendable, Hashable {
    /// ``EndpointKeys/keyBytes`` bytes, for whoever stores them.
    package let key: [UInt8]

    /// - Parameter random: gives the bytes of the key.
    package init(random: RandomSource) {
        key = random.bytes(EndpointKeys.keyBytes)
    }

    /// - Parameter key: as it was stored.
    /// - Returns: nil when it has not ``EndpointKeys/keyBytes`` bytes.
    package init?(key: [UInt8]) {
        guard key.count == EndpointKeys.keyBytes else { return nil }
        self.key = key
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

/// The key is never shown, not even by mistake.
extension StatelessResetSecret: CustomStringConvertible, CustomReflectable {
    package var description: String { "StatelessResetSecret" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
