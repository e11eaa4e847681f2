/// Reads one JSON text strictly by RFC 8259, in one pass over its bytes.
///
/// Bounded by the size of its input, which the caller limits, and by ``maxDepth``. Refuses what other parsers disagree
/// about: members that appear twice, numbers that no `Double` holds, lone surrogates.
struct JSONParser {
    /// Nesting above this is no settings file or API body but an attack on the stack.
    static let maxDepth = 32

    private let bytes: [UInt8]
    private var position = 0
    private var depth = 0

    /// The value that `bytes`, UTF-8, hold.
    static func parse(_ bytes: some Collection<UInt8>) throws(JSONProblem) -> JSONValue {
        var parser = JSONParser(bytes: Array(bytes))
        let value = try parser.value()
        parser.skipWhitespace()
        guard parser.position == parser.bytes.count else {
            throw parser.problem("more text after the end")
        }
        return value
    }

    private init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    // RFC 8259 §3
    private mutating func value() throws(JSONProblem) -> JSONValue {
        skipWhitespace()
        guard let first = peek else {
            throw problem("the text ends where a value is expected")
        }
        switch first {
        case UInt8(ascii: "{"): return .object(try nested { parser throws(JSONProblem) in try parser.object() })
        case UInt8(ascii: "["): return .array(try nested { parser throws(JSONProblem) in try parser.array() })
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number(try number())
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        default: throw problem("a value is expected")
        }
    }

    // RFC 8259 §4
    private mutating func object() throws(JSONProblem) -> JSONObject {
        var members: [String: JSONValue] = [:]
        position += 1
        skipWhitespace()
        if consume("}") {
            return JSONObject(members)
        }
        repeat {
            skipWhitespace()
            guard peek == UInt8(ascii: "\"") else {
                throw problem("the name of a member, in double quotes, is expected")
            }
            let nameStart = position
            let name = try string()
            guard members[name] == nil else {
                position = nameStart
                throw problem("\"\(name.singleLine(limit: 64))\" appears twice")
            }
            skipWhitespace()
            guard consume(":") else {
                throw problem("':' is expected")
            }
            members[name] = try value()
            skipWhitespace()
        } while consume(",")
        guard consume("}") else {
            throw problem("',' or '}' is expected")
        }
        return JSONObject(members)
    }

    // RFC 8259 §5
    private mutating func array() throws(JSONProblem) -> [JSONValue] {
        var elements: [JSONValue] = []
        position += 1
        skipWhitespace()
        if consume("]") {
            return elements
        }
        repeat {
            elements.append(try value())
            skipWhitespace()
        } while consume(",")
        guard consume("]") else {
            throw problem("',' or ']' is expected")
        }
        return elements
    }

    // RFC 8259 §6: [ minus ] int [ frac ] [ exp ]
    private mutating func number() throws(JSONProblem) -> Double {
        let start = position
        _ = consume("-")
        if !consume("0") {
            try digits()
        }
        if consume(".") {
            try digits()
        }
        if consume("e") || consume("E") {
            _ = consume("+") || consume("-")
            try digits()
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        guard let number = Double(text), number.isFinite else {
            position = start
            throw problem("the number is too large")
        }
        return number
    }

    private mutating func digits() throws(JSONProblem) {
        let start = position
        while let byte = peek, UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte {
            position += 1
        }
        guard position > start else {
            throw problem("a digit is expected")
        }
    }

    // RFC 8259 §7
    private mutating func string() throws(JSONProblem) -> String {
        position += 1
        var utf8: [UInt8] = []
        let start = position
        while let byte = peek {
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: utf8, as: UTF8.self) else {
                    position = start
                    throw problem("the string is not UTF-8")
                }
                position += 1
                return text
            case UInt8(ascii: "\\"):
                position += 1
                try escape(into: &utf8)
            case 0..<0x20:
                throw problem("a control character in a string must be written as \\u00..")
            default:
                utf8.append(byte)
                position += 1
            }
        }
        throw problem("the text ends inside a string")
    }

    /// Reads what follows a backslash.
    private mutating func escape(into utf8: inout [UInt8]) throws(JSONProblem) {
        guard let byte = peek else {
            throw problem("the text ends inside a string")
        }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): utf8.append(byte)
        case UInt8(ascii: "b"): utf8.append(0x08)
        case UInt8(ascii: "f"): utf8.append(0x0C)
        case UInt8(ascii: "n"): utf8.append(0x0A)
        case UInt8(ascii: "r"): utf8.append(0x0D)
        case UInt8(ascii: "t"): utf8.append(0x09)
        case UInt8(ascii: "u"): utf8.append(contentsOf: String(Character(try unicodeEscape())).utf8)
        default:
            position -= 1
            throw problem("the character after '\\' has no meaning there")
        }
    }

    /// Reads the four digits after `\u`, and the second half of a surrogate pair.
    private mutating func unicodeEscape() throws(JSONProblem) -> Unicode.Scalar {
        let first = try hexDigits()
        if let scalar = Unicode.Scalar(first) {
            return scalar
        }
        guard 0xD800..<0xDC00 ~= first, consume("\\"), consume("u") else {
            throw problem("half a surrogate pair")
        }
        let second = try hexDigits()
        guard 0xDC00..<0xE000 ~= second,
            let scalar = Unicode.Scalar(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00))
        else {
            throw problem("half a surrogate pair")
        }
        return scalar
    }

    private mutating func hexDigits() throws(JSONProblem) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = peek, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw problem("four hexadecimal digits are expected after \\u")
            }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }

    private mutating func literal(_ text: StaticString, _ value: JSONValue) throws(JSONProblem) -> JSONValue {
        for byte in "\(text)".utf8 {
            guard peek == byte else {
                throw problem("a value is expected")
            }
            position += 1
        }
        return value
    }

    private mutating func nested<Value>(
        _ body: (inout JSONParser) throws(JSONProblem) -> Value
    ) throws(JSONProblem) -> Value {
        depth += 1
        guard depth <= Self.maxDepth else {
            throw problem("more than \(Self.maxDepth) levels")
        }
        let value = try body(&self)
        depth -= 1
        return value
    }

    private var peek: UInt8? {
        position < bytes.count ? bytes[position] : nil
    }

    private mutating func consume(_ character: Unicode.Scalar) -> Bool {
        guard peek == UInt8(ascii: character) else {
            return false
        }
        position += 1
        return true
    }

    // RFC 8259 §2
    private mutating func skipWhitespace() {
        while let byte = peek, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D {
            position += 1
        }
    }

    /// A problem at the current position.
    private func problem(_ text: String) -> JSONProblem {
        let before = bytes[..<position]
        let lineStart = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        let line = before.count(where: { $0 == UInt8(ascii: "\n") }) + 1
        return .malformed(line: line, column: position - lineStart + 1, problem: text)
    }
}
