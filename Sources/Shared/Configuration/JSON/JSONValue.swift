/// A parsed JSON text (RFC 8259): what settings files, API bodies and SCEP answers are read from.
///
/// A parser of our own because a person who edits a settings file by hand is owed the line and column of the mistake, and
/// one who calls the API the name of the field; `JSONDecoder` of FoundationEssentials gives neither.
package enum JSONValue: Hashable, Sendable {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)

    /// The value in a few words, for messages: short ones as they are.
    var summary: String {
        switch self {
        case .null, .array, .object: kind
        case .bool(let value): "\(value)"
        case .number(let value): "the number \(value.brief)"
        case .string(let text): "the string \"\(text.singleLine(limit: 60))\""
        }
    }

    /// The kind of value in words, for messages.
    var kind: String {
        switch self {
        case .null: "null"
        case .bool: "true or false"
        case .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}
