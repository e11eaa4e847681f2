internal import CQuic

/// What a client's first packet says, checked and bounded: enough to answer it with a connection.
package struct ConnectionAttempt: Sendable {
    /// The ID that the client addresses us by, in this packet.
    let destinationID: QUICConnectionID
    /// The ID that the client wants to be addressed by.
    let clientSourceID: QUICConnectionID
    /// The ID that the client chose in its very first packet, before any Retry.
    let originalDestinationID: QUICConnectionID
    /// Whether the client has proved its address with a Retry token.
    package let isRetried: Bool
    /// That token.
    let token: [UInt8]

    func withToken<Result>(_ body: (ngtcp2_vec) -> Result) -> Result {
        var copy = token
        return copy.withUnsafeMutableBufferPointer { body(ngtcp2_vec(base: $0.baseAddress, len: $0.count)) }
    }
}
