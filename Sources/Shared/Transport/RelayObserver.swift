/// Whoever keeps count of a relay. Called on the connection's event loop.
package protocol RelayObserver: AnyObject {
    /// Bytes came from TCP for the stream.
    func relaySent(_ count: Int)

    /// TCP has taken bytes of the stream.
    func relayReceived(_ count: Int)

    /// The connector could not reach the target. Called at most once, before ``relayEnded()``.
    ///
    /// - Parameter detail: untrusted text for a person, at most ``RelayReply/maximumDetailBytes`` bytes.
    func relayDialFailed(_ status: RelayStatus, detail: String)

    /// The TCP channel is closed; no other call follows.
    func relayEnded()
}
