import Hummingbird
import NIOCore
import Shared

extension Request {
    /// The JSON object in the body.
    ///
    /// - Parameters:
    ///   - maxBytes: The largest body that is read.
    ///   - timeout: The time within which all of it must have come.
    /// - Throws: ``APIError`` when the content type is another, or the body too large, too slow, or not a JSON object;
    ///   the connection's error when it breaks.
    func jsonBody(maxBytes: Int, timeout: Duration) async throws -> JSONObject {
        let contentType = headers[.contentType]
        guard let contentType, Self.isJSON(contentType) else {
            throw APIError.wrongContentType(contentType)
        }
        if let length = headers[.contentLength].flatMap({ Int($0) }), length > maxBytes {
            throw APIError.bodyTooLarge
        }
        let buffer = try await body(maxBytes: maxBytes, timeout: timeout)
        do throws(JSONProblem) {
            return try JSONObject(parsing: buffer.readableBytesView)
        } catch {
            throw APIError.malformedBody(error)
        }
    }

    private func body(maxBytes: Int, timeout: Duration) async throws -> ByteBuffer {
        try await withThrowingTaskGroup(of: ByteBuffer.self) { race in
            race.addTask {
                do {
                    return try await body.collect(upTo: maxBytes)
                } catch is NIOTooManyBytesError {
                    throw APIError.bodyTooLarge
                }
            }
            race.addTask {
                try await Task.sleep(for: timeout)
                throw APIError.bodyTooSlow
            }
            defer { race.cancelAll() }
            guard let buffer = try await race.next() else {
                throw APIError.bodyTooSlow
            }
            return buffer
        }
    }

    /// Whether a `Content-Type` is JSON's, whatever its parameters (RFC 9110 §8.3.1).
    private static func isJSON(_ contentType: String) -> Bool {
        MediaRange(contentType).type == "application/json"
    }
}
