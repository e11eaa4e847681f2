import NIOCore
import Shared

/// Which targets the listener may have this connector dial: `allow_targets` and `deny_targets` of `settings.json`.
///
/// A deny rule wins over every allow rule. Names are judged as they were asked for, addresses as the name resolved, each by
/// itself: a name that leads to one allowed and one denied address is dialled at the allowed one. An allow rule may match
/// either. So a name that is allowed leads wherever its owner lets it lead, except to denied addresses.
struct TargetPolicy: Hashable, Sendable {
    /// The default, as in the original.
    static let everything = TargetPolicy(allow: nil, deny: [])

    /// More is a mistake: each dial is held against every rule.
    static let maxRules = 1000

    /// nil allows every target that is not denied; an empty array allows none.
    let allow: [TargetRule]?
    let deny: [TargetRule]

    /// Judges what there is to judge before the target is resolved, so that no name server hears of names that are denied.
    func admit(_ target: TargetAddress) throws(TargetRefusal) {
        let name = Self.name(of: target)
        if let rule = deny.first(where: { $0.matches(name, port: target.port) }) {
            throw .denied(rule)
        }
        if let allow, !allow.contains(where: { $0.ports.contains(target.port) }) {
            throw .notListed
        }
    }

    /// Those of the addresses of an admitted target that may be dialled, at least one, in the same order.
    ///
    /// - Parameter addresses: What the target resolved to; at least one.
    /// - Throws: The refusal of the first address when none is left.
    func allowed(_ addresses: [SocketAddress], for target: TargetAddress) throws(TargetRefusal) -> [SocketAddress] {
        let name = Self.name(of: target)
        let isNameAllowed = allow?.contains { $0.matches(name, port: target.port) } ?? true
        var allowed: [SocketAddress] = []
        var firstRefusal: TargetRefusal?
        for address in addresses {
            if let refusal = refusal(of: address, port: target.port, isNameAllowed: isNameAllowed) {
                firstRefusal = firstRefusal ?? refusal
            } else {
                allowed.append(address)
            }
        }
        guard !allowed.isEmpty else {
            throw firstRefusal ?? .notListed
        }
        return allowed
    }

    /// What the operator should know at the start, in one line; nil when the policy is neither of the extremes.
    var warning: String? {
        guard let allow else {
            return deny.isEmpty
                ? "every target is allowed: set allow_targets or deny_targets to limit what the listener can reach"
                : nil
        }
        return allow.isEmpty ? "no target is allowed: allow_targets is empty" : nil
    }

    private func refusal(of address: SocketAddress, port: UInt16, isNameAllowed: Bool) -> TargetRefusal? {
        guard let given = IPAddress(address)?.unmapped else { return .notListed }
        let reached = given.reached
        // Whoever denies 0.0.0.0 means it, whichever address that is on this system.
        if let rule = deny.first(where: { $0.matches(reached, port: port) || $0.matches(given, port: port) }) {
            return .addressDenied(address: "\(given)", rule)
        }
        let isAllowed = isNameAllowed || allow?.contains { $0.matches(reached, port: port) } ?? true
        return isAllowed ? nil : .addressNotListed(address: "\(given)")
    }

    /// nil for an address. What getaddrinfo(3) takes for a number, such as `0x7f.1`, is a name here, and judged by the
    /// address that comes of it.
    private static func name(of target: TargetAddress) -> HostName? {
        IPLiteral.isValid(target.host) ? nil : HostName(target.host)
    }
}
