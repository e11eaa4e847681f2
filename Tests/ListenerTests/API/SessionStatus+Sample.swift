import NIOCore
import Shared

@testable import Listener

extension SessionStatus {
    /// A session whose every value is another.
    static func sample(
        uid: String = "alice",
        id: String = "0a1b",
        software: String? = "socket-warp 2.0",
        roundTrip: TimeAmount? = .nanoseconds(12_345_678),
        since: Int64 = 1_763_707_423_004,
        isDraining: Bool = false
    ) throws -> SessionStatus {
        SessionStatus(
            uid: try ClientUID(uid),
            sessionID: id,
            applicationProtocol: "warp/1",
            software: software,
            remoteAddress: "192.0.2.1:40000",
            since: since,
            roundTrip: roundTrip,
            openRelays: 3,
            waitingVisitors: 4,
            bytesToTargets: 5,
            bytesFromTargets: UInt64.max,
            isDraining: isDraining
        )
    }
}
