internal import NIOCore

/// Keeps a client that has moved (RFC 9000 §9) from coming back to the path that it left while the new one may still be
/// under validation: ngtcp2 0.12 asserts that it is not probing for the path's MTU then, and is wrong.
///
/// What comes by that path is dropped meanwhile. If the new path turns out not to work, ngtcp2 returns by itself, and the
/// gate is open again.
struct MigrationGate {
    /// At least so long a path is closed after the client has left it: two validations of three initial probe timeouts
    /// (RFC 9002 §6.2.2: 1 s) each, and some.
    static let leastClosedTime = TimeAmount.seconds(10)
    /// In probe timeouts, where they are longer: the same two validations, half as much again.
    static let closedTimeouts = 9

    private var current: NetworkPath?
    private var left: (path: NetworkPath, closedUntil: QUICTime)?

    /// Whether datagrams that came by `path` may be read.
    ///
    /// - Parameter isUsing: whether packets are sent by `path` now.
    func admits(_ path: NetworkPath, now: QUICTime, isUsing: @autoclosure () -> Bool) -> Bool {
        guard path !== current, let left, now < left.closedUntil, path.hasAddresses(of: left.path) else { return true }
        return isUsing()
    }

    /// Datagrams that came by `path` were read.
    ///
    /// - Parameters:
    ///   - isUsing: whether packets are sent by `path` now.
    ///   - probeTimeout: the connection's.
    mutating func read(
        by path: NetworkPath,
        now: QUICTime,
        isUsing: @autoclosure () -> Bool,
        probeTimeout: @autoclosure () -> TimeAmount
    ) {
        guard path !== current, isUsing() else { return }
        if let current, !path.hasAddresses(of: current) {
            let closedTime = max(Self.leastClosedTime, probeTimeout() * Self.closedTimeouts)
            left = (current, now + closedTime)
        }
        current = path
    }
}
