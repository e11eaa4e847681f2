import Testing

@testable import Shared

@Suite("JSONParser")
struct JSONParserTests {
    @Test(arguments: [
        ("null", JSONValue.null),
        (" true ", .bool(true)),
        ("false", .bool(false)),
        ("0", .number(0)),
        ("-0.5e+1", .number(-5)),
        ("1E3", .number(1000)),
        ("\"\"", .string("")),
        (#""a\"\\\/\b\f\n\r\t""#, .string("a\"\\/\u{8}\u{C}\n\r\t")),
        (#""\u00e9\ud83d\ude00\u0000""#, .string("é😀\u{0}")),
        ("\"é😀\"", .string("é😀")),
        ("[]", .array([])),
        ("[1, [2],\n{}]", .array([.number(1), .array([.number(2)]), .object(JSONObject([:]))])),
        (#"{"a": {"b": null}}"#, .object(JSONObject(["a": .object(JSONObject(["b": .null]))]))),
    ])
    func validTextIsParsed(text: String, value: JSONValue) throws {
        #expect(try JSONParser.parse(text.utf8) == value)
    }

    @Test(arguments: [
        ("", 1, 1),
        ("{", 1, 2),
        ("{\n  \"a\": 1,\n}", 3, 1),
        ("{\n  \"a\" 1\n}", 2, 7),
        ("{\n \"port\": x}", 2, 10),
        ("{'a': 1}", 1, 2),
        ("[1,]", 1, 4),
        ("[1 2]", 1, 4),
        ("{} x", 1, 4),
        ("012", 1, 2),
        ("1.", 1, 3),
        (".5", 1, 1),
        ("+1", 1, 1),
        ("1e", 1, 3),
        ("1e400", 1, 1),
        ("NaN", 1, 1),
        ("tru", 1, 4),
        ("\"a", 1, 3),
        ("\"a\u{1}\"", 1, 3),
        (#""\x""#, 1, 3),
        (#""\ud800""#, 1, 8),
        (#""\ud800\u0041""#, 1, 14),
        (#""\u12g4""#, 1, 6),
        (#"{"a": 1, "a": 2}"#, 1, 10),
        ("\u{FEFF}{}", 1, 1),
        ("/* */ {}", 1, 1),
    ])
    func mistakeIsFoundWhereItIs(text: String, line: Int, column: Int) {
        let problem = #expect(throws: JSONProblem.self) { try JSONParser.parse(text.utf8) }
        guard case .malformed(let foundLine, let foundColumn, _) = problem else {
            Issue.record("\(String(describing: problem))")
            return
        }
        #expect(foundLine == line)
        #expect(foundColumn == column)
    }

    @Test func bytesThatAreNotUTF8AreRefused() {
        #expect(throws: JSONProblem.self) { try JSONParser.parse([0x22, 0xFF, 0x22]) }
        #expect(throws: JSONProblem.self) { try JSONParser.parse([0x22, 0xED, 0xA0, 0x80, 0x22]) }
    }

    @Test func nestingIsBounded() throws {
        let deepest = String(repeating: "[", count: 32) + String(repeating: "]", count: 32)
        #expect(throws: Never.self) { try JSONParser.parse(deepest.utf8) }
        let attack = String(repeating: "[", count: 100_000)
        #expect(throws: JSONProblem.malformed(line: 1, column: 33, problem: "more than 32 levels")) {
            try JSONParser.parse(attack.utf8)
        }
    }

    @Test func everyTruncationOfAnObjectIsRefused() throws {
        let text = Array(#"{"uid": "a\u00e9", "port": 80, "list": [true, null, -1.5e2]}"#.utf8)
        #expect(throws: Never.self) { try JSONParser.parse(text) }
        for length in 0..<text.count {
            #expect(throws: JSONProblem.self) { try JSONParser.parse(text.prefix(length)) }
        }
    }

    @Test func randomBytesNeverTrap() {
        var generator = SystemRandomNumberGenerator()
        let alphabet = Array("{}[]\":,\\u0123eE+-. truefalsn\n".utf8) + [0xFF, 0x00, 0xC3]
        for _ in 0..<20_000 {
            let length = Int.random(in: 0..<40, using: &generator)
            let bytes = (0..<length).map { _ in alphabet.randomElement(using: &generator) ?? 0 }
            do throws(JSONProblem) {
                _ = try JSONParser.parse(bytes)
            } catch {
                #expect(!"\(error)".isEmpty)
            }
        }
    }
}

@Suite("JSONObject")
struct JSONObjectTests {
    private func object(_ text: String) throws -> JSONObject {
        try JSONObject(parsing: text.utf8)
    }

    @Test(arguments: ["[]", "3", "\"a\"", "null"])
    func otherThanAnObjectAtTheTopIsRefused(text: String) {
        let problem = #expect(throws: JSONProblem.self) { try object(text) }
        #expect(problem?.member == nil)
        #expect("\(problem.map { "\($0)" } ?? "")".contains("a JSON object is expected"))
    }

    @Test(arguments: ["80", "80.0", "8e1", "800e-1"])
    func wholeNumberMayBeWrittenInAnyWay(text: String) throws {
        #expect(try object("{\"port\": \(text)}").integer("port", in: UInt16(0)...UInt16.max) == 80)
    }

    @Test(arguments: ["80.5", "-1", "70000", "65536", "1e30", "-0.1"])
    func numberOutsideTheRangeIsRefusedByName(text: String) throws {
        let object = try object("{\"port\": \(text)}")
        let problem = #expect(throws: JSONProblem.self) {
            try object.integer("port", in: UInt16(0)...UInt16.max)
        }
        guard case .outOfRange("port", _, "a whole number from 0 to 65535") = problem else {
            Issue.record("\(String(describing: problem))")
            return
        }
    }

    @Test(arguments: [
        ("\"80\"", "the string \"80\""), ("null", "null"), ("true", "true"), ("[80]", "an array"), ("{}", "an object"),
    ])
    func otherTypeIsRefusedByName(text: String, kind: String) throws {
        let object = try object("{\"port\": \(text)}")
        #expect(throws: JSONProblem.wrongType(member: "port", expected: "a whole number", found: kind)) {
            try object.integer("port", in: UInt16(0)...UInt16.max)
        }
    }

    @Test func missingMemberIsRefusedByName() throws {
        let object = try object("{}")
        #expect(throws: JSONProblem.missing(member: "uid")) { try object.string("uid") }
    }

    @Test func optionalMemberMayBeLeftOutOrNullYetNotOfAnotherType() throws {
        let object = try object(#"{"a": null, "b": 2.5, "c": "x"}"#)
        #expect(try object.optionalNumber("a", in: 0...10) == nil)
        #expect(try object.optionalNumber("z", in: 0...10) == nil)
        #expect(try object.optionalNumber("b", in: 0...10) == 2.5)
        #expect(throws: JSONProblem.self) { try object.optionalNumber("b", in: 0...2) }
        #expect(throws: JSONProblem.self) { try object.optionalNumber("c", in: 0...2) }
        #expect(throws: JSONProblem.self) { try object.optionalString("b") }
    }

    @Test func stringsComeInOrderAndMayBeLeftOut() throws {
        let object = try object(#"{"a": ["x", ""], "b": [], "c": null}"#)
        #expect(try object.optionalStrings("a", atMost: 2) == ["x", ""])
        #expect(try object.optionalStrings("b", atMost: 2) == [])
        #expect(try object.optionalStrings("c", atMost: 2) == nil)
        #expect(try object.optionalStrings("z", atMost: 2) == nil)
    }

    @Test(arguments: [
        ("\"x\"", JSONProblem.wrongType(member: "a", expected: "an array of strings", found: "the string \"x\"")),
        ("[\"x\", 3]", .wrongType(member: "a[1]", expected: "a string", found: "the number 3")),
        ("[null]", .wrongType(member: "a[0]", expected: "a string", found: "null")),
        ("[1, 2, 3]", .outOfRange(member: "a", value: "an array of 3", range: "a list of at most 2 strings")),
    ])
    func otherThanAFewStringsIsRefusedByNameAndIndex(text: String, problem: JSONProblem) throws {
        let object = try object("{\"a\": \(text)}")
        #expect(throws: problem) { try object.optionalStrings("a", atMost: 2) }
    }
}
