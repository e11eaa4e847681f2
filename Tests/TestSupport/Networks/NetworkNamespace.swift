/// A network namespace: interfaces, addresses and routes of its own, for the programs that a test starts in it.
///
/// It disappears with its owner and its test, or with the test process if it lives that long. Programs in it are
/// unaffected by its going, and end with the test like all others.
package final class NetworkNamespace: Sendable {
    /// The name as `ip netns` knows it.
    package let name: String

    package init() throws {
        name = NetworkNamespaces.newName("n")
        try NetworkNamespaces.ip(["netns", "add", name])
        TestLifetime.keep(self)
        // A namespace starts with its loopback down.
        try ip("link", "set", "lo", "up")
    }

    deinit {
        // What cannot be removed now goes at the end of the process.
        _ = try? NetworkNamespaces.ip(["netns", "delete", name])
    }

    /// A new link between this namespace and that of the tests, up and with an address at each end.
    package func link() throws -> NetworkLink {
        try NetworkLink(into: self)
    }

    /// Sends what is for `address` out through `link`, whatever other way there is.
    package func route(_ address: String, through link: NetworkLink) throws {
        try ip("route", "replace", address + "/32", "via", link.outerAddress, "dev", link.innerName)
    }

    /// Runs `ip` inside.
    @discardableResult
    func ip(_ arguments: String...) throws -> [String] {
        try NetworkNamespaces.ip(["-netns", name] + arguments)
    }
}
