import Hummingbird

/// Answers requests that no route takes: 404 for an unknown path, 405 with `Allow` for a known one.
struct EndpointGuard: RouterMiddleware {
    func handle(
        _ request: Request,
        context: BasicRequestContext,
        next: (Request, BasicRequestContext) async throws -> Response
    ) async throws -> Response {
        guard let endpoint = Endpoint(path: request.uri.path) else {
            throw APIError.unknownPath
        }
        guard endpoint.allowedMethods.contains(request.method) else {
            throw APIError.methodNotAllowed(endpoint)
        }
        return try await next(request, context)
    }
}
