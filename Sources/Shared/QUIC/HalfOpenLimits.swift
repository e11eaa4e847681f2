/// How many clients may be between their first packet and their admission.
package struct HalfOpenLimits: Hashable, Sendable {
    /// Above this many, a client must first prove its address with a Retry token (RFC 9000 §8.1.2).
    package let retryThreshold: Int
    /// Above this many, first packets are dropped; clients repeat them.
    package let maximum: Int

    package init(retryThreshold: Int, maximum: Int) {
        self.retryThreshold = retryThreshold
        self.maximum = maximum
    }
}
