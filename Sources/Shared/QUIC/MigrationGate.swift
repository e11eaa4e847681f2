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
    /// In probe timeouts, the longest that there was since the gate was open: so long after a move a path is closed at
    /// least. A validation takes up to seven, three attempts of which each lasts twice as long as the one before; there
    /// may be a second one, for datagrams of full size.
    static let closedTimeouts = 20
    /// The least that counts for a probe timeout: a new path's first (RFC 9002 §6.2.2).
    static let leastProbeTimeout = TimeAmount.seconds(1)
    /// And the most, which no session lives through twenty times.
    static let mostProbeTimeout = TimeAmount.hours(24)
    /// After so many moves in that time a client stays where it is.
    static let maximumMoves = 8

    // The paths that were in use since the gate was last open: by a new move ngtcp2 may return to any of them.
    private var used: [NetworkPath] = []
    // The one in use; nil while the gate is closed, since ngtcp2 may return by itself then.
    private var settled: NetworkPath?
    // The last move; nil while the gate is open.
    private var movedAt: QUICTime?
    private var longestProbeTimeout = leastProbeTimeout

    /// Whether `path` is in use for sure. When it is not, whoever reads what came by it must look, before and after.
    func isSettled(on path: NetworkPath) -> Bool { path === settled }

    /// Whether datagrams may be read that came by `path`, which is not in use.
    func admits(_ path: NetworkPath) -> Bool {
        movedAt == nil || (used.count <= Self.maximumMoves && !contains(path))
    }

    /// Datagrams were read that came by `path`, which is in use and was before.
    mutating func stayed(on path: NetworkPath) {
        add(path)
        if movedAt == nil {
            settled = path
        }
    }

    /// Datagrams were read that came by `path`, which is in use since.
    mutating func moved(to path: NetworkPath, now: QUICTime) {
        add(path)
        settled = nil
        movedAt = now
    }

    /// This is the connection's probe timeout: due before and after whatever is read while no path is settled. A client
    /// chooses what it acknowledges, and when.
    mutating func reckon(probeTimeout: TimeAmount) {
        longestProbeTimeout = max(longestProbeTimeout, min(probeTimeout, Self.mostProbeTimeout))
    }

    /// Packets were written, with room in the congestion window at the first one.
    ///
    /// - Parameter isUsing: whether packets are sent by a path now.
    mutating func wrote(now: QUICTime, isUsing: (NetworkPath) -> Bool) {
        guard let movedAt, movedAt + longestProbeTimeout * Self.closedTimeouts <= now else { return }
        self.movedAt = nil
        longestProbeTimeout = Self.leastProbeTimeout
        used.removeAll { !isUsing($0) }
    }

    private func contains(_ path: NetworkPath) -> Bool {
        used.contains { $0.hasAddresses(of: path) }
    }

    private mutating func add(_ path: NetworkPath) {
        if !contains(path) {
            used.append(path)
        }
    }
}
