import NIOCore
import Shared

/// What holds for every session of a connector.
struct ListenerSessionPolicy: Sendable {
    /// This run of the program.
    let instance: InstanceID
    let targets: TargetDialer
    /// How many relays there may be, dials included.
    let maxRelays: Int
    /// The silence after which a listener of `warp/1` is asked for a sign of life.
    let keepAlive: TimeAmount
    /// The silence after which a listener of `warp/1` is given up; longer than ``keepAlive``.
    let silenceLimit: TimeAmount
    /// How long relays have to finish when the connector shuts down.
    let drainTime: TimeAmount
}
