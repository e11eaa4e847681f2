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
    /// The application protocol of a session.
    package static let applicationProtocol = "protocol"
    /// A session's number, as both ends' logs and the control API show it.
    package static let sessionID = "session.id"
    /// How many of something.
    package static let count = "count"
    /// How long until something is tried again.
    package static let wait = "wait"
    /// The file in which the listener keeps its state.
    package static let statePath = "state.path"
    /// What an operator can do about it.
    package static let remedy = "remedy"
}
