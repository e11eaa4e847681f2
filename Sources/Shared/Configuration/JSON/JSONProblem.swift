/// What is wrong with a JSON text, or with a member of the object in it. The description is one line for a person.
package enum JSONProblem: Error, Hashable, CustomStringConvertible {
    /// The text breaks RFC 8259. Line and column count from 1; a column is a byte.
    case malformed(line: Int, column: Int, problem: String)
    case notAnObject(found: String)
    case missing(member: String)
    case wrongType(member: String, expected: String, found: String)
    case outOfRange(member: String, value: String, range: String)

    /// The member at fault, if the problem is not with the text as a whole.
    package var member: String? {
        switch self {
        case .malformed, .notAnObject: nil
        case .missing(let member), .wrongType(let member, _, _), .outOfRange(let member, _, _): member
        }
    }

    package var description: String {
        switch self {
        case .malformed(let line, let column, let problem):
            "not valid JSON at line \(line), column \(column): \(problem)"
        case .notAnObject(let found): "a JSON object is expected, not \(found)"
        case .missing(let member): "\"\(member)\" is missing"
        case .wrongType(let member, let expected, let found): "\"\(member)\" must be \(expected), not \(found)"
        case .outOfRange(let member, let value, let range): "\"\(member)\" is \(value), and must be \(range)"
        }
    }
}
