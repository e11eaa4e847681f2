internal import CQuic
internal import NIOCore

extension QUICConnection {
    /// Asks the peer for a sign of life: the next write sends a PING (RFC 9000 §10.1.2).
    package func probe() {
        guard let conn, isActive else { return }
        hasReceivedSinceProbe = false
        // ngtcp2 sends PING only to keep a connection alive: with so short a timeout, now.
        ngtcp2_conn_set_keep_alive_timeout(conn, 1)
    }

    /// Ends a probe.
    ///
    /// - Returns: whether the peer has acknowledged what was sent since ``probe()``. A datagram that merely pretends to come
    ///   from it does not count.
    package func endProbe() -> Bool {
        guard let conn, isActive else { return false }
        ngtcp2_conn_set_keep_alive_timeout(conn, UInt64(clamping: settings.keepAlive?.nanoseconds ?? 0))
        return hasReceivedSinceProbe && warp_conn_pto_count(conn) == 0
    }
}
