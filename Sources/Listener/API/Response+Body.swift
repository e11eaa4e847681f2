import FoundationEssentials
import Hummingbird
import NIOCore

extension Response {
    /// A response with one line of text, as the original sends them: without a line feed at its end.
    static func text(_ text: String, status: HTTPResponse.Status = .ok) -> Response {
        response(ByteBuffer(string: text), contentType: "text/plain; charset=utf-8", status: status)
    }

    /// A response with `value` as JSON, its members in alphabetical order.
    ///
    /// - Throws: What the encoder throws for values that JSON cannot hold.
    static func json(_ value: some Encodable) throws -> Response {
        response(try jsonBytes(value), contentType: "application/json; charset=utf-8", status: .ok)
    }

    /// The body of ``json(_:)``.
    static func jsonBytes(_ value: some Encodable) throws -> ByteBuffer {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return ByteBuffer(bytes: try encoder.encode(value))
    }

    private static func response(_ body: ByteBuffer, contentType: String, status: HTTPResponse.Status) -> Response {
        Response(status: status, headers: [.contentType: contentType], body: ResponseBody(byteBuffer: body))
    }
}
