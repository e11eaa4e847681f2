/// The keys of an endpoint that should outlive it: whoever starts again with them can still end the connections of its
/// last run, and knows the Retry tokens that it gave out.
///
/// A listener keeps them in its state file; a connector needs new ones only.
package struct EndpointKeys: Sendable, Hashable {
    /// The length of each key, in bytes: as strong as the hash (SHA-256) with which ngtcp2 derives tokens from it.
    package static let keyBytes = 32

    package let statelessReset: StatelessResetSecret
    /// The key of ``RetryTokens``; ``keyBytes`` bytes.
    package let retryToken: [UInt8]

    /// New keys.
    package init(random: RandomSource) {
        statelessReset = StatelessResetSecret(random: random)
        retryToken = random.bytes(Self.keyBytes)
    }

    /// Keys as they were stored.
    ///
    /// - Returns: nil when a key has not ``keyBytes`` bytes.
    package init?(storedStatelessReset: [UInt8], retryToken: [UInt8]) {
        guard let statelessReset = StatelessResetSecret(key: storedStatelessReset), retryToken.count == Self.keyBytes
        else { return nil }
        self.statelessReset = statelessReset
        self.retryToken = retryToken
    }
}

/// Keys are never shown, not even by mistake.
extension EndpointKeys: CustomStringConvertible, CustomReflectable {
    package var description: String { "EndpointKeys" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
