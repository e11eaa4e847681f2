internal import CQuic
package import NIOCore

extension QUICConnection {
    /// Sets how this end tells that the peer is gone, once the protocol is known.
    ///
    /// - Parameters:
    ///   - keepAlive: the silence after which a PING asks for a sign of life; nil = never.
    ///   - silenceLimit: the silence after which the connection is over, above zero; nil = only the idle timeout that both
    ///     ends have announced counts (RFC 9000 §10.1). A forged datagram can stretch this limit, but not the idle timeout.
    package func setLiveness(keepAlive: TimeAmount?, silenceLimit: TimeAmount?, now: QUICTime) {
        self.keepAlive = keepAlive
        self.silenceLimit = silenceLimit
        lastHeard = now
        applyKeepAlive()
    }

    /// Asks the peer for a sign of life: the next write sends a PING (RFC 9000 §10.1.2).
    package func probe() {
        guard let conn, isActive else { return }
        hasReceivedSinceProbe = false
        frameIsDue = true
        // ngtcp2 sends PING only to keep a connection alive: with so short a timeout, now.
        ngtcp2_conn_set_keep_alive_timeout(conn, 1)
    }

    /// Ends a probe.
    ///
    /// - Returns: whether the peer has acknowledged what was sent since ``probe()``. A datagram that merely pretends to come
    ///   from it does not count.
    package func endProbe() -> Bool {
        guard let conn, isActive else { return false }
        applyKeepAlive()
        return hasReceivedSinceProbe && warp_conn_pto_count(conn) == 0
    }

    /// When the peer has been silent for too long.
    var silenceDeadline: QUICTime? {
        silenceLimit.map { lastHeard + $0 }
    }

    private func applyKeepAlive() {
        guard let conn else { return }
        ngtcp2_conn_set_keep_alive_timeout(conn, UInt64(clamping: keepAlive?.nanoseconds ?? 0))  // 0 = never
    }
}
