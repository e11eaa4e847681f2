/// How forwards and sessions fare, as the control API tells it.
extension ControlAPIClient {
    /// Why a dial came to nothing.
    package struct DialFailure: Decodable, Hashable, Sendable {
        package let reason: String
        package let detail: String
        /// RFC 3339.
        package let at: String
    }

    /// A forward of `/list` or of a session in `/v1/sessions`, with all that is told about it.
    package struct ForwardStatus: Decodable, Sendable {
        package let port: Int
        package let listening: Bool
        package let error: String?
        package let openRelays: Int
        package let bytesToTarget: Int
        package let bytesFromTarget: Int
        package let lastDialError: DialFailure?
        /// In `/list` only.
        package let uid: String?
        /// In `/list` only.
        package let sessionUp: Bool?
        /// In `/list` only.
        package let session: SessionStatus?
    }

    /// A session of `/v1/sessions` or of a forward in `/list`.
    package struct SessionStatus: Decodable, Sendable {
        package let id: String
        /// RFC 3339.
        package let since: String
        package let `protocol`: String
        package let software: String?
        package let remote: String
        package let rttMs: Double?
        package let draining: Bool
        /// In `/v1/sessions` only, as everything below.
        package let uid: String?
        package let openRelays: Int?
        package let waitingVisitors: Int?
        package let bytesToTargets: Int?
        package let bytesFromTargets: Int?
        package let forwards: [ForwardStatus]?
    }

    /// `GET /list`, with every member.
    package func forwardStatuses() throws -> [ForwardStatus] {
        let response = try request("GET", "/list")
        guard response.status == 200 else { throw UnexpectedResponse(response) }
        return try response.decoded(as: [ForwardStatus].self)
    }

    /// `GET /v1/sessions`.
    package func sessionStatuses() throws -> [SessionStatus] {
        let response = try request("GET", "/v1/sessions")
        guard response.status == 200 else { throw UnexpectedResponse(response) }
        return try response.decoded(as: [SessionStatus].self)
    }
}
