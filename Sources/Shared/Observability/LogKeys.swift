/// The metadata keys of every log line, so that a key is spelled in one place.
package enum LogKeys {
    /// The client UID of a session or forward.
    package static let clientUID = "client.uid"
    /// The TCP port on which a forward listens.
    package static let forwardPort = "forward.port"
    /// The address that the connector dials for a relay.
    package static let relayTarget = "relay.target"
    /// Why something was refused or ended, in words.
    package static let reason = "reason"
    /// A failure as the layer below described it.
    package static let error = "error"
    /// The UDP address on which the listener awaits connectors.
    package static let quicAddress = "quic.address"
    /// The TCP address on which the control API answers.
    package static let apiAddress = "api.address"
    /// The address of the listener, as the connector dialled it.
    package static let listenerAddress = "listener.address"
    /// The address of the peer.
    package static let remoteAddress = "remote.address"
}
