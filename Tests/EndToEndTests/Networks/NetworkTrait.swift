import TestSupport
import Testing

extension Trait where Self == ConditionTrait {
    /// A suite that makes network namespaces; where the machine does not let it, it says why.
    static var networks: ConditionTrait {
        .enabled(if: NetworkNamespaces.obstacle == nil, "\(NetworkNamespaces.obstacle ?? "")")
    }
}
