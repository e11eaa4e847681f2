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
    /// At least so long after a move a path is closed. A validation takes up to seven initial probe timeouts (RFC 9002
    /// §6.2.2: 1 s), three attempts of which each lasts twice as long as the one before; there may be a second one, for
    /// datagrams of full size.
    static let leastClosedTime = TimeAmount.seconds(20)
    /// In probe timeouts, where they are longer: the same.
    static let closedTimeouts = 20
    /// After so many moves in that time a client stays where it is.
    static let maximumMoves = 8

    // The paths that were in use since the gate was last open: by a new move ngtcp2 may return to any of them.
    private var used: [NetworkPath] = []
    // The one in use; nil while the gate is closed, since ngtcp2 may return by itself then.
    private var settled: NetworkPath?
    private var closedUntil: QUICTime?

    /// Whether `path` is in use for sure. When it is not, whoever reads what came by it must look, before and after.
    func isSettled(on path: NetworkPath) -> Bool { path === settled }

    /// Whether datagrams may be read that came by `path`, which is not in use.
    func admits(_ path: NetworkPath) -> Bool {
        closedUntil == nil || (used.count <= Self.maximumMoves && !contains(path))
    }

    /// Datagrams were read that came by `path`, which is in use and was before.
    mutating func stayed(on path: NetworkPath) {
        add(path)
        if closedUntil == nil {
            settled = path
        }
    }

    /// Datagrams were read that came by `path`, which is in use since.
    ///
    /// - Parameter probeTimeout: the connection's.
    mutating func moved(to path: NetworkPath, now: QUICTime, probeTimeout: TimeAmount) {
        add(path)
        settled = nil
        let end = now + max(Self.leastClosedTime, probeTimeout * Self.closedTimeouts)
        closedUntil = max(closedUntil ?? end, end)
    }

    /// Packets were written, with room in the congestion window at the first one.
    ///
    /// - Parameter isUsing: whether packets are sent by a path now.
    mutating func wrote(now: QUICTime, isUsing: (NetworkPath) -> Bool) {
        guard let closedUntil, closedUntil <= now else { return }
        self.closedUntil = nil
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
