import Shared

/// A forward's last dial failure as `/list` and `/v1/sessions` show it.
struct DialFailureBody: Encodable {
    /// One word for programs, which stays what it is when the sentences for people change.
    private let reason: String
    private let detail: String
    private let at: Timestamp

    init(_ failure: ForwardMeter.DialFailure) {
        reason = failure.status.identifier
        detail = failure.detail.isEmpty ? failure.status.words : failure.detail
        at = Timestamp(failure.at)
    }
}

extension RelayStatus {
    fileprivate var identifier: String {
        switch self {
        case .connected: "connected"
        case .refused: "refused"
        case .unreachable: "unreachable"
        case .timedOut: "timed_out"
        case .nameNotFound: "name_not_found"
        case .notAllowed: "not_allowed"
        case .unsupportedKind: "unsupported_kind"
        case .malformedHeader: "malformed_header"
        case .overloaded: "overloaded"
        case .goingAway: "going_away"
        }
    }
}
