import Hummingbird
import Shared

/// A request that the control API turns down, with the status and the one line of text that its sender gets.
enum APIError: Error, Hashable {
    case unknownPath
    case methodNotAllowed(Endpoint)
    /// The value of the `Content-Type` field, if there was one.
    case wrongContentType(String?)
    case bodyTooLarge
    case bodyTooSlow
    case malformedBody(JSONProblem)
    /// A member of the body has the right type, yet not a usable value; the problem completes the sentence that
    /// begins with the member's name.
    case invalidMember(String, problem: String)
    case forward(ForwardError)
}

extension APIError: HTTPResponseError {
    var status: HTTPResponse.Status {
        switch self {
        case .unknownPath: .notFound
        case .methodNotAllowed: .methodNotAllowed
        case .wrongContentType: .unsupportedMediaType
        case .bodyTooLarge: .contentTooLarge
        case .bodyTooSlow: .requestTimeout
        case .malformedBody, .invalidMember: .badRequest
        case .forward(let error): error.status
        }
    }

    func response(from request: Request, context: some RequestContext) -> Response {
        var response = Response.text(description, status: status)
        switch self {
        case .methodNotAllowed(let endpoint):
            response.headers[.allow] = endpoint.allowedMethods.map(\.rawValue).joined(separator: ", ")
        case .bodyTooSlow:
            // The rest of the body may still come: the connection cannot carry another request.
            response.headers[.connection] = "close"
        case .unknownPath, .wrongContentType, .bodyTooLarge, .malformedBody, .invalidMember, .forward:
            break
        }
        return response
    }
}

extension APIError: CustomStringConvertible {
    var description: String {
        switch self {
        case .unknownPath:
            let offers = Endpoint.allCases.map { "\($0.method.rawValue) \($0.path)" }.joined(separator: ", ")
            return "No such path. The control API offers \(offers)."
        case .methodNotAllowed(let endpoint):
            return "\(endpoint.path) takes \(endpoint.method.rawValue) only."
        case .wrongContentType(let found):
            let complaint = found.map { "not \($0.singleLine(limit: 100))" } ?? "and is missing"
            return "Content-Type must be application/json, \(complaint)."
        case .bodyTooLarge:
            return "The body is larger than \(ControlAPI.maxBodyBytes) bytes."
        case .bodyTooSlow:
            return "The body did not arrive in time."
        case .malformedBody(let problem):
            return "The body cannot be used: \(problem)."
        case .invalidMember(let member, let problem):
            return "The body cannot be used: \"\(member)\" \(problem)."
        case .forward(let error):
            return "\(error)"
        }
    }
}

extension ForwardError {
    fileprivate var status: HTTPResponse.Status {
        switch self {
        case .unknownClientUID, .notFound: .notFound
        case .portInUse: .conflict
        case .portForbidden: .forbidden
        case .addressUnavailable, .cannotListen, .socketFailed, .notStored, .notRemoved: .internalServerError
        case .outOfResources, .shuttingDown: .serviceUnavailable
        }
    }
}
