/// Whoever keeps a connection: the listener's session, or the connector. Called on the connection's event loop.
package protocol ConnectionOwner: AnyObject {
    /// TLS is done and the peer's certificate is verified.
    func handshakeCompleted(_ driver: ConnectionDriver, peer: VerifiedCertificate)
    /// Both ends know that the handshake is done; only a client is told.
    func handshakeConfirmed(_ driver: ConnectionDriver)
    /// The peer opened a stream; it is lost unless a consumer is set for it.
    func streamOpened(_ id: QUICStreamID, _ driver: ConnectionDriver)
    /// The peer lets us open more streams.
    func streamsAvailable(_ driver: ConnectionDriver)
    /// The peer's packets come from another address now (RFC 9000 §9): ``ConnectionDriver/remoteAddress`` tells which.
    func remoteAddressChanged(_ driver: ConnectionDriver)

    /// The connection is over; no other call follows.
    func connectionClosed(_ closure: ConnectionClosure, _ driver: ConnectionDriver)
}
