/// The TCP port of a forward. Zero appears in requests only and means "any free port"; a listening forward has a real one.
package struct ForwardPort: Hashable, Sendable {
    package static let anyFree = ForwardPort(0)

    package let number: UInt16

    package init(_ number: UInt16) {
        self.number = number
    }

    package var isAnyFree: Bool { number == 0 }
}

extension ForwardPort: Comparable {
    package static func < (lhs: ForwardPort, rhs: ForwardPort) -> Bool {
        lhs.number < rhs.number
    }
}

extension ForwardPort: CustomStringConvertible {
    package var description: String { "\(number)" }
}
