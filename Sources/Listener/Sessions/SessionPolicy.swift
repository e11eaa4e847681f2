import NIOCore
import Shared

/// What holds for every session of a listener.
struct SessionPolicy: Sendable {
    let authorization: CertificateAuthorization
    /// How often a live session's certificate is asked about again; nil = never.
    let recheckInterval: TimeAmount?
    /// What decides how fast the listener sends.
    let congestionController: CongestionController
    /// The silence after which a connector of `warp/1` is asked for a sign of life.
    let keepAlive: TimeAmount
    /// The silence after which a connector of `warp/1` is given up; longer than ``keepAlive``.
    let silenceLimit: TimeAmount
    /// Which of two connectors with one client UID is the session.
    let takeover: TakeoverPolicy
    /// How long the holder of a client UID may take to show that it lives.
    let probeTimeout: TimeAmount
    /// How long a visitor waits for a session, or for a stream of a connector that grants no more for now.
    let visitorWait: TimeAmount
    /// How many visitors of one client UID may wait.
    let maximumWaitingVisitors: Int
    /// How long relays have to finish when the listener shuts down.
    let drainTime: TimeAmount
    /// When connectors may come back after the listener has shut down.
    let comeBackAfter: TimeAmount
}
