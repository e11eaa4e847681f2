import Glibc

/// An `errno` value that explains itself to a person.
package struct SystemErrorCode: Hashable, Sendable, CustomStringConvertible {
    package let rawValue: CInt

    package init(_ rawValue: CInt) {
        self.rawValue = rawValue
    }

    /// In the words of the original: `Address already in use (os error 98)`.
    package var description: String {
        "\(String(cString: strerror(rawValue))) (os error \(rawValue))"
    }
}
