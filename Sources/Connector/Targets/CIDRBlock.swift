import Shared

/// A block of IP addresses of one family: those that begin with the same bits (RFC 4632 §3.1, RFC 4291 §2.3).
struct CIDRBlock: Hashable, Sendable {
    /// The block's first address.
    let network: IPAddress
    /// How many bits the addresses have in common: 0 to 32 of IPv4, 0 to 128 of IPv6.
    let prefixLength: Int

    /// The block of one address.
    init(_ address: IPAddress) {
        self.init(network: address, prefixLength: address.family.bitCount)
    }

    /// - Parameter text: `ADDRESS/LENGTH`, or an address alone.
    init(_ text: Substring) throws(TargetRuleError) {
        guard let slash = text.utf8.firstIndex(of: UInt8(ascii: "/")) else {
            guard let address = IPAddress(String(text)) else { throw .malformedIPv6 }
            guard address.unmapped == address else { throw .mappedIPv4(block: "\(address.unmapped)") }
            self.init(address)
            return
        }
        guard let address = IPAddress(String(text[..<slash])) else { throw .malformedBlock }
        let bitCount = address.family.bitCount
        let lengthText = text[text.utf8.index(after: slash)...]
        guard (1...3).contains(lengthText.utf8.count),
            lengthText.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }),
            let length = Int(lengthText), length <= bitCount
        else {
            throw .prefixOutOfRange(last: bitCount)
        }
        let hostBitCount = bitCount - length
        let network = IPAddress(address.family, (address.bits >> hostBitCount) << hostBitCount)
        // Every address of such a block is judged as IPv4, so the block would match nothing.
        if length >= 96, network.unmapped.family != network.family {
            throw .mappedIPv4(block: "\(CIDRBlock(network: network.unmapped, prefixLength: length - 96))")
        }
        self.init(network: network, prefixLength: length)
        guard network == address else { throw .hostBitsSet(block: "\(self)") }
    }

    private init(network: IPAddress, prefixLength: Int) {
        self.network = network
        self.prefixLength = prefixLength
    }

    func contains(_ address: IPAddress) -> Bool {
        address.family == network.family
            && (address.bits ^ network.bits) >> (network.family.bitCount - prefixLength) == 0
    }
}

extension CIDRBlock: CustomStringConvertible {
    var description: String { "\(network)/\(prefixLength)" }
}
