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
                try await collectBody(maxBytes: maxBytes)
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

    // A client that is still sending may not read an answer: what is too large is read to its end, and thrown away, so that
    // the answer arrives.
    private func collectBody(maxBytes: Int) async throws -> ByteBuffer {
        var buffer = ByteBuffer()
        var total = 0
        for try await chunk in body {
            total += chunk.readableBytes
            guard total <= Self.maximumDiscardedBytes else { break }
            if total <= maxBytes {
                buffer.writeImmutableBuffer(chunk)
            }
        }
        guard total <= maxBytes else { throw APIError.bodyTooLarge }
        return buffer
    }

    private static let maximumDiscardedBytes = 64 << 20

    /// Whether a `Content-Type` is JSON's, whatever its parameters (RFC 9110 §8.3.1).
    private static func isJSON(_ contentType: String) -> Bool {
        MediaRange(contentType).type == "application/json"
    }
}
