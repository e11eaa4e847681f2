import Hummingbird
import Shared

/// The routes of the control API: the HTTP face of the ``ForwardTable``, as the original's clients know it, and what the
/// sessions are doing.
struct ControlAPI: Sendable {
    /// A hundred times what an honest body needs.
    static let maxBodyBytes = 16_384

    private let forwards: ForwardTable
    private let sessions: @Sendable () async -> [SessionStatus]
    private let bodyTimeout: Duration

    /// - Parameters:
    ///   - sessions: The sessions that are live or draining, in any order.
    ///   - bodyTimeout: How long a body may take to arrive, so that a stalled client holds up neither a task nor the
    ///     shutdown.
    init(
        forwards: ForwardTable,
        sessions: @escaping @Sendable () async -> [SessionStatus],
        bodyTimeout: Duration = .seconds(10)
    ) {
        self.forwards = forwards
        self.sessions = sessions
        self.bodyTimeout = bodyTimeout
    }

    func router() -> Router<BasicRequestContext> {
        let router = Router(context: BasicRequestContext.self, options: .autoGenerateHeadEndpoints)
        router.add(middleware: EndpointGuard())
        for endpoint in Endpoint.allCases {
            router.on(RouterPath(endpoint.path), method: endpoint.method) { request, _ in
                try await respond(to: request, at: endpoint)
            }
        }
        return router
    }

    private func respond(to request: Request, at endpoint: Endpoint) async throws -> Response {
        do {
            switch endpoint {
            case .open: return try await open(request)
            case .close: return try await close(request)
            case .list: return try .json(await report().list)
            case .sessions: return try .json(await report().sessionList)
            }
        } catch let error as ForwardError {
            throw APIError.forward(error)
        }
    }

    private func open(_ request: Request) async throws -> Response {
        let forward = try await forwards.open(try Forward(openRequest: try await body(of: request)))
        guard MediaRange.prefersJSON(accept: request.headers[values: .accept]) else {
            return .text("TcpListener created successfully!")
        }
        return try .json(ForwardBody(forward))
    }

    private func close(_ request: Request) async throws -> Response {
        let port = try ForwardPort(closeRequest: try await body(of: request))
        try await forwards.close(port)
        return .text("Task \(port) canceled")
    }

    private func report() async -> StatusReport {
        StatusReport(forwards: await forwards.list(), sessions: await sessions())
    }

    private func body(of request: Request) async throws -> JSONObject {
        try await request.jsonBody(maxBytes: Self.maxBodyBytes, timeout: bodyTimeout)
    }
}
