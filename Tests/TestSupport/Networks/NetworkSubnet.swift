/// A few IPv4 addresses for a link between two namespaces.
///
/// They are taken from the range for benchmarks (RFC 2544), which no honest network routes.
package struct NetworkSubnet: Hashable, Sendable, CustomStringConvertible {
    /// What all subnets are a part of.
    static let range = "198.18.0.0/15"
    /// How many subnets of eight addresses the range holds.
    static let count = 1 << 14
    static let prefixLength = 29

    private let number: Int

    /// - Parameter number: below `count`.
    init(number: Int) {
        self.number = number
    }

    package var description: String { "\(address(0))/\(Self.prefixLength)" }

    /// The address of host 1 to 6, as text; 0 is the subnet's own.
    package func address(_ host: Int) -> String {
        let offset = number * 8 + host
        return "198.\(18 + offset >> 16).\(offset >> 8 & 0xff).\(offset & 0xff)"
    }
}
