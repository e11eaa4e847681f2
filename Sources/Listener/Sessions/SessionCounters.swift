/// What the relays of one session have carried. Confined to the session's event loop; its relays hold it too.
final class SessionCounters {
    /// Relays whose visitor is there.
    var openRelays = 0
    /// Bytes of visitors for targets, as they were read.
    var bytesToTargets: UInt64 = 0
    /// Bytes of targets, as visitors took them.
    var bytesFromTargets: UInt64 = 0
}

@available(*, unavailable)
extension SessionCounters: Sendable {}
