import Shared

/// One rule of `allow_targets` or `deny_targets`, `HOST[:PORTS]`:
///
/// ```
/// db.example.com            a name
/// *.example.com:443         names; `*` stands for any characters, dots too, so a.b.example.com matches; example.com does not
/// 10.1.2.3   ::1            an address
/// 10.0.0.0/8   fd00::/8     a block of addresses
/// [::1]:80   [fd00::/8]:80  an IPv6 address or block with ports stands in brackets; without ports it may
/// *   *:22,8000-8999        everything, names and addresses
/// ```
///
/// PORTS are ports and ranges with commas between them; without them a rule holds for every port. Names match names as they
/// were asked for, in any letter case and with or without a dot at the end. Addresses match what a name resolved to.
struct TargetRule: Hashable, Sendable {
    /// A host name has at most 253 bytes; the rest is for ports.
    static let maxBytes = 512

    private enum Host: Hashable {
        case everything
        case names(HostGlob)
        case addresses(CIDRBlock)
    }

    /// The rule as it was written.
    let text: String
    let ports: PortRanges
    private let host: Host

    init(_ text: String) throws(TargetRuleError) {
        guard !text.isEmpty else { throw .empty }
        guard text.utf8.count <= Self.maxBytes else { throw .tooLong }
        self.text = text
        let (hostText, portsText, isIPv6) = try Self.split(text)
        host = try Self.host(hostText, isIPv6: isIPv6)
        ports = try portsText.map { text throws(TargetRuleError) in try PortRanges(text) } ?? .all
    }

    /// Whether the rule holds for a target by its name.
    ///
    /// - Parameter name: The name that was asked for; nil for an address, which only `*` matches here.
    func matches(_ name: HostName?, port: UInt16) -> Bool {
        guard ports.contains(port) else { return false }
        return switch host {
        case .everything: true
        case .names(let glob): name.map(glob.matches) ?? false
        case .addresses: false
        }
    }

    /// Whether the rule holds for a target by an address that it resolved to.
    func matches(_ address: IPAddress, port: UInt16) -> Bool {
        guard ports.contains(port) else { return false }
        return switch host {
        case .everything: true
        case .names: false
        case .addresses(let block): block.contains(address)
        }
    }

    private static func split(
        _ text: String
    ) throws(TargetRuleError) -> (host: Substring, ports: Substring?, isIPv6: Bool) {
        if text.hasPrefix("[") {
            guard let end = text.utf8.firstIndex(of: UInt8(ascii: "]")) else { throw .bracketNotClosed }
            let host = text.dropFirst()[..<end]
            let rest = text[text.utf8.index(after: end)...]
            guard !rest.isEmpty else { return (host, nil, true) }
            guard rest.hasPrefix(":") else { throw .textAfterBracket }
            return (host, rest.dropFirst(), true)
        }
        let colons = text.utf8.count { $0 == UInt8(ascii: ":") }
        guard colons == 1, let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")) else {
            // No IPv6 address has fewer than two colons.
            return (text[...], nil, colons > 1)
        }
        return (text[..<colon], text[text.utf8.index(after: colon)...], false)
    }

    private static func host(_ text: Substring, isIPv6: Bool) throws(TargetRuleError) -> Host {
        guard !text.isEmpty else { throw .hostMissing }
        if isIPv6 || text.utf8.contains(UInt8(ascii: "/")) {
            let block = try CIDRBlock(text)
            guard !isIPv6 || block.network.family == .ipv6 else { throw .malformedIPv6 }
            return .addresses(block)
        }
        if let address = IPAddress(String(text)) {
            return .addresses(CIDRBlock(address))
        }
        let glob = try HostGlob(text)
        return glob.matchesEverything ? .everything : .names(glob)
    }
}

extension TargetRule: CustomStringConvertible {
    var description: String { text }
}
