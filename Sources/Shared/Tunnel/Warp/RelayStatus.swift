/// What became of a relay's dial: the type of its reply.
package enum RelayStatus: UInt64, Hashable, Sendable, CaseIterable {
    /// The target has accepted; its bytes follow.
    case connected = 0x00
    /// The target refused the connection.
    case refused = 0x01
    /// There is no route, or the network failed otherwise; also what a status stands for that we do not know.
    case unreachable = 0x02
    /// The target did not answer within the dial timeout.
    case timedOut = 0x03
    /// The target's name does not resolve.
    case nameNotFound = 0x04
    /// The connector's policy does not allow the target.
    case notAllowed = 0x05
    /// The connector knows no such relay.
    case unsupportedKind = 0x06
    /// The header is malformed.
    case malformedHeader = 0x07
    /// The connector is out of descriptors or relays.
    case overloaded = 0x08
    /// The connector takes no new relays.
    case goingAway = 0x09

    /// The code that stands for the same on the stream.
    package var code: ApplicationErrorCode {
        switch self {
        case .connected: .noError
        case .refused, .unreachable: .targetUnreachable
        case .timedOut: .dialTimedOut
        case .nameNotFound: .nameNotFound
        case .notAllowed: .targetNotAllowed
        case .unsupportedKind: .unsupportedRelayKind
        case .malformedHeader: .malformedHeader
        case .overloaded: .overloaded
        case .goingAway: .shuttingDown
        }
    }

    /// What a stream's reset says that came in place of a reply, as in the original's protocol; nil when it says nothing
    /// about the dial.
    package init?(code: UInt64) {
        switch ApplicationErrorCode(rawValue: code) {
        case .targetUnreachable: self = .unreachable
        case .dialTimedOut: self = .timedOut
        case .nameNotFound: self = .nameNotFound
        case .malformedHeader: self = .malformedHeader
        case .targetNotAllowed: self = .notAllowed
        case .overloaded: self = .overloaded
        case .unsupportedRelayKind: self = .unsupportedKind
        case .shuttingDown: self = .goingAway
        case nil, .noError, .connectionReset, .forwardClosed, .sessionEnded, .notAdmitted, .clientUIDInUse,
            .admissionUnavailable, .malformedMessage:
            return nil
        }
    }

    /// What happened, for a person.
    package var words: String {
        switch self {
        case .connected: "the target accepted the connection"
        case .refused: "the target refused the connection"
        case .unreachable: "the target cannot be reached"
        case .timedOut: "the target did not answer within the dial timeout"
        case .nameNotFound: "the target's name does not resolve"
        case .notAllowed: "the connector's policy does not allow the target"
        case .unsupportedKind: "the connector knows no relays of this kind"
        case .malformedHeader: "the connector cannot read the relay's header"
        case .overloaded: "the connector is out of descriptors or relays"
        case .goingAway: "the connector takes no new relays"
        }
    }
}
