/// Why the policy does not allow a target. The description is for the connector's log only.
enum TargetRefusal: Error, Hashable, Sendable {
    /// A rule of `deny_targets` matches the name that was asked for, or everything.
    case denied(TargetRule)
    /// A rule of `deny_targets` matches an address that the target resolves to.
    case addressDenied(address: String, TargetRule)
    /// No rule of `allow_targets` matches.
    case notListed
    /// No rule of `allow_targets` matches the name or the address that it resolves to.
    case addressNotListed(address: String)
}

extension TargetRefusal: CustomStringConvertible {
    var description: String {
        switch self {
        case .denied(let rule): "denied by \(rule) in deny_targets"
        case .addressDenied(let address, let rule): "\(address) is denied by \(rule) in deny_targets"
        case .notListed: "no rule of allow_targets matches"
        case .addressNotListed(let address): "no rule of allow_targets matches the name or \(address)"
        }
    }
}
