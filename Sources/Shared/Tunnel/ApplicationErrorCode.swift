/// The application error codes of RESET_STREAM, STOP_SENDING and CONNECTION_CLOSE (RFC 9000 §20.2), as
/// `docs/wire-protocol.md` lists them. The original sends and expects 0 everywhere.
package enum ApplicationErrorCode: UInt64, Hashable, Sendable {
    /// Nothing is wrong: the sender is just done.
    case noError = 0x00
    /// The TCP connection at the sender's end was reset.
    case connectionReset = 0x01
    /// The target refused the connection, or cannot be reached.
    case targetUnreachable = 0x02
    /// The target did not answer within the dial timeout.
    case dialTimedOut = 0x03
    /// The target's name does not resolve.
    case nameNotFound = 0x04
    /// The stream's header is malformed.
    case malformedHeader = 0x05
    /// The forward was closed, and its relays with it.
    case forwardClosed = 0x06
    /// The connector's policy does not allow the target.
    case targetNotAllowed = 0x07
    /// The sender is out of descriptors or relays.
    case overloaded = 0x08
    /// The kind in the stream's header is unknown, or was not announced.
    case unsupportedRelayKind = 0x09
    /// The session is over.
    case sessionEnded = 0x10
    /// The listener does not admit this certificate.
    case notAdmitted = 0x11
    /// The client UID has a live session already.
    case clientUIDInUse = 0x12
    /// The sender is shutting down, or takes no new relays.
    case shuttingDown = 0x13
    /// The authority that admits connectors could not be asked.
    case admissionUnavailable = 0x14
    /// The peer broke the rules of the control stream.
    case malformedMessage = 0x15
}
