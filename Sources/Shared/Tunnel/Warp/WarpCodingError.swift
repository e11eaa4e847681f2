/// How the peer breaks the rules of `warp/1`; the description is one line for a person, without any text
/// of the peer's.
package enum WarpCodingError: Error, Hashable, Sendable {
    /// A frame announces more payload than is allowed.
    case frameTooLong(bytes: UInt64)
    /// A member does not fit its frame.
    case memberOverrun
    /// A known member is there twice.
    case duplicateMember(key: UInt64)
    /// A required member is not there.
    case missingMember(key: UInt64)
    /// A known member is not of its form: an integer that does not fill its value, a text that is too long or no UTF-8,
    /// bytes that are not as many as they must be.
    case malformedMember(key: UInt64)
    /// A client UID breaks the rules for one.
    case badClientUID(ClientUIDError)
    /// A target breaks the rules for one.
    case badTarget(TargetAddressError)
    /// The header's kind of relay is unknown.
    case unsupportedRelayKind(UInt64)
    /// The message may not come now, or not from this end.
    case unexpectedMessage
    /// More probes in a second than are answered.
    case tooManyProbes
    /// The control stream is over before its connection.
    case controlStreamEnded
}

extension WarpCodingError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .frameTooLong(let bytes): "a frame of \(bytes) bytes, and at most \(Frame.maximumPayloadBytes) are allowed"
        case .memberOverrun: "a member does not fit its frame"
        case .duplicateMember(let key): "member \(key) is there twice"
        case .missingMember(let key): "member \(key) is missing"
        case .malformedMember(let key): "member \(key) is not of its form"
        case .badClientUID(let error): "the client UID \(error)"
        case .badTarget(let error): "the target \(error)"
        case .unsupportedRelayKind(let kind): "relays of kind \(kind) are unknown"
        case .unexpectedMessage: "a message that may not come now"
        case .tooManyProbes: "too many probes in a second"
        case .controlStreamEnded: "it ended"
        }
    }
}
