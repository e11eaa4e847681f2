internal import NIOCore

/// Keeps a client that has moved (RFC 9000 §9) from coming back to a path that it left while the new one may still be under
/// validation: ngtcp2 0.12 asserts that it is not probing for the path's MTU then, and is wrong.
///
/// What comes by such a path is dropped meanwhile. If the new path turns out not to work, ngtcp2 returns by itself, and what
/// comes by the path that it uses is always read.
///
/// A validation whose time is over ends with a write, and not with one for which the congestion window has no room: so the
/// gate opens with such a write, not with the time alone.
struct MigrationGate {
    /// At least so long after a move a path is closed: a validation takes up to seven initial probe timeouts (RFC 9002
    /// §6.2.2: 1 s), three attempts of which each lasts twice as long as the one before.
    static let leastClosedTime = TimeAmount.seconds(10)
    /// In probe timeouts, where they are longer: the same and some.
    static let closedTimeouts = 9
    /// After so many moves in that time a client stays where it is.
    static let maximumMoves = 8

    private var current: NetworkPath?
    // By a new move within the time, ngtcp2 may return to any of them.
    private var left: [NetworkPath] = []
    private var closedUntil: QUICTime?

    /// Whether datagrams that came by `path` may be read.
    ///
    /// - Parameter isUsing: whether packets are sent by `path` now.
    func admits(_ path: NetworkPath, isUsing: @autoclosure () -> Bool) -> Bool {
        guard path !== current, closedUntil != nil else { return true }
        let isClosed = left.count >= Self.maximumMoves || left.contains { $0.hasAddresses(of: path) }
        return !isClosed || isUsing()
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
            left.append(current)
            let end = now + max(Self.leastClosedTime, probeTimeout() * Self.closedTimeouts)
            closedUntil = max(closedUntil ?? end, end)
        }
        current = path
    }

    /// Packets were written, with room in the congestion window at the first one.
    mutating func wrote(now: QUICTime) {
        guard let closedUntil, closedUntil <= now else { return }
        self.closedUntil = nil
        left.removeAll()
    }
}
