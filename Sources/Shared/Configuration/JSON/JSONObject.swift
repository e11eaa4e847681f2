/// The members of a JSON object, read by name, type and range. Members that nobody asks for are ignored.
package struct JSONObject: Hashable, Sendable {
    private let members: [String: JSONValue]

    package init(_ members: [String: JSONValue]) {
        self.members = members
    }

    /// Parses a JSON text that has an object at its top.
    package init(parsing bytes: some Collection<UInt8>) throws(JSONProblem) {
        let value = try JSONParser.parse(bytes)
        guard case .object(let object) = value else {
            throw .notAnObject(found: value.kind)
        }
        self = object
    }

    /// The value of a member, whatever it is.
    package subscript(_ name: String) -> JSONValue? { members[name] }

    /// A string that must be there.
    package func string(_ name: String) throws(JSONProblem) -> String {
        guard case .string(let text) = try required(name) else {
            throw wrongType(name, expected: "a string")
        }
        return text
    }

    /// A string that may be left out, or null.
    package func optionalString(_ name: String) throws(JSONProblem) -> String? {
        isAbsent(name) ? nil : try string(name)
    }

    /// An array of strings that may be left out, or null. An element that is no string is named by its index: `name[0]`.
    ///
    /// - Parameter maximum: The greatest number of strings.
    package func optionalStrings(_ name: String, atMost maximum: Int) throws(JSONProblem) -> [String]? {
        guard !isAbsent(name) else {
            return nil
        }
        guard case .array(let elements) = try required(name) else {
            throw wrongType(name, expected: "an array of strings")
        }
        guard elements.count <= maximum else {
            throw .outOfRange(
                member: name,
                value: "an array of \(elements.count)",
                range: "a list of at most \(maximum) strings"
            )
        }
        var strings: [String] = []
        for (index, element) in elements.enumerated() {
            guard case .string(let text) = element else {
                throw .wrongType(member: "\(name)[\(index)]", expected: "a string", found: element.summary)
            }
            strings.append(text)
        }
        return strings
    }

    /// A whole number that must be there, within `range`. `80.0` and `8e1` are ways to write the whole number 80.
    package func integer<Integer: FixedWidthInteger & Sendable>(
        _ name: String,
        in range: ClosedRange<Integer>
    ) throws(JSONProblem) -> Integer {
        guard case .number(let number) = try required(name) else {
            throw wrongType(name, expected: "a whole number")
        }
        guard let integer = Integer(exactly: number), range.contains(integer) else {
            throw .outOfRange(
                member: name,
                value: number.brief,
                range: "a whole number from \(range.lowerBound) to \(range.upperBound)"
            )
        }
        return integer
    }

    /// A whole number that may be left out, or null.
    package func optionalInteger<Integer: FixedWidthInteger & Sendable>(
        _ name: String,
        in range: ClosedRange<Integer>
    ) throws(JSONProblem) -> Integer? {
        isAbsent(name) ? nil : try integer(name, in: range)
    }

    /// A number that may be left out, or null.
    package func optionalNumber(_ name: String, in range: ClosedRange<Double>) throws(JSONProblem) -> Double? {
        guard !isAbsent(name) else {
            return nil
        }
        guard case .number(let number) = try required(name) else {
            throw wrongType(name, expected: "a number")
        }
        guard range.contains(number) else {
            throw .outOfRange(
                member: name,
                value: number.brief,
                range: "from \(range.lowerBound.brief) to \(range.upperBound.brief)"
            )
        }
        return number
    }

    private func required(_ name: String) throws(JSONProblem) -> JSONValue {
        guard let value = members[name] else {
            throw .missing(member: name)
        }
        return value
    }

    private func isAbsent(_ name: String) -> Bool {
        switch members[name] {
        case nil, .null: true
        case .bool, .number, .string, .array, .object: false
        }
    }

    private func wrongType(_ name: String, expected: String) -> JSONProblem {
        .wrongType(member: name, expected: expected, found: members[name]?.summary ?? "nothing")
    }
}
