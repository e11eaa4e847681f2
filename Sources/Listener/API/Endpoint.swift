import Hummingbird

/// What the control API has to offer.
enum Endpoint: CaseIterable, Sendable {
    case open
    case close
    case list
    case sessions

    init?(path: String) {
        let trimmed = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        guard let endpoint = Self.allCases.first(where: { $0.path == trimmed }) else {
            return nil
        }
        self = endpoint
    }

    var path: String {
        switch self {
        case .open: "/open"
        case .close: "/close"
        case .list: "/list"
        case .sessions: "/v1/sessions"
        }
    }

    var method: HTTPRequest.Method {
        switch self {
        case .open: .post
        case .close: .delete
        case .list, .sessions: .get
        }
    }

    /// RFC 9110 §9.3.2: HEAD goes wherever GET does.
    var allowedMethods: [HTTPRequest.Method] {
        method == .get ? [.get, .head] : [method]
    }
}
