package import NIOCore
package import Shared

/// What the control API tells about one session: a copy, taken on the data path's event loop, true at that moment.
package struct SessionStatus: Hashable, Sendable {
    package let uid: ClientUID
    /// Tells this session from its UID's earlier and later ones.
    package let sessionID: String
    /// What was agreed on by ALPN: `warp/1` or `hq-29`.
    package let applicationProtocol: String
    /// The connector's name and version, as it gave them: untrusted. Nil for an original, which does not say.
    package let software: String?
    /// Where the connector's datagrams come from: `host:port`.
    package let remoteAddress: String
    /// When it was admitted, in milliseconds since 1970.
    package let since: Int64
    /// Smoothed (RFC 9002 §5.3); nil before the first measurement.
    package let roundTrip: TimeAmount?
    package let openRelays: Int
    /// Visitors that wait for a stream.
    package let waitingVisitors: Int
    /// Since it was admitted, ended relays included; what visitors sent, without headers.
    package let bytesToTargets: UInt64
    package let bytesFromTargets: UInt64
    /// Whether it takes no new relays: either end is going away.
    package let isDraining: Bool

    package init(
        uid: ClientUID,
        sessionID: String,
        applicationProtocol: String,
        software: String?,
        remoteAddress: String,
        since: Int64,
        roundTrip: TimeAmount?,
        openRelays: Int,
        waitingVisitors: Int,
        bytesToTargets: UInt64,
        bytesFromTargets: UInt64,
        isDraining: Bool
    ) {
        self.uid = uid
        self.sessionID = sessionID
        self.applicationProtocol = applicationProtocol
        self.software = software
        self.remoteAddress = remoteAddress
        self.since = since
        self.roundTrip = roundTrip
        self.openRelays = openRelays
        self.waitingVisitors = waitingVisitors
        self.bytesToTargets = bytesToTargets
        self.bytesFromTargets = bytesFromTargets
        self.isDraining = isDraining
    }
}
