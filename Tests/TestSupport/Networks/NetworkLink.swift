import Synchronization

/// A cable between the tests' network namespace and another one: a veth pair, with an address at each end.
package final class NetworkLink: Sendable {
    /// This end's address, in the namespace of the tests.
    package let outerAddress: String
    let innerName: String
    private let outerName: String
    private let namespace: NetworkNamespace
    private let subnet: NetworkSubnet
    /// The last part of the far end's address.
    private let innerHost = Mutex(2)

    init(into namespace: NetworkNamespace) throws {
        subnet = try NetworkNamespaces.newSubnet()
        outerName = NetworkNamespaces.newName("o")
        innerName = NetworkNamespaces.newName("i")
        outerAddress = subnet.address(1)
        self.namespace = namespace
        try NetworkNamespaces.ip(
            ["link", "add", outerName, "type", "veth", "peer", "name", innerName, "netns", namespace.name]
        )
        TestLifetime.keep(self)
        try NetworkNamespaces.ip(["address", "add", withLength(outerAddress), "dev", outerName])
        try namespace.ip("address", "add", withLength(innerAddress), "dev", innerName)
        try NetworkNamespaces.ip(["link", "set", outerName, "up"])
        try goUp()
    }

    deinit {
        // Takes the other end along. What cannot be removed now goes at the end of the process.
        _ = try? NetworkNamespaces.ip(["link", "delete", outerName])
    }

    /// The far end's address, inside the namespace.
    package var innerAddress: String {
        subnet.address(innerHost.withLock { $0 })
    }

    /// Gives the far end another address and takes the old one away first, as a new lease does: for a moment there is
    /// none, and no way out.
    package func changeInnerAddress() throws {
        try namespace.ip("address", "delete", withLength(innerAddress), "dev", innerName)
        innerHost.withLock { $0 = $0 == 6 ? 2 : $0 + 1 }
        try namespace.ip("address", "add", withLength(innerAddress), "dev", innerName)
    }

    /// Takes the far end down: nothing passes any more and the routes through it are gone.
    package func goDown() throws {
        try namespace.ip("link", "set", innerName, "down")
    }

    /// Brings the far end up again, and the route to this end with it.
    package func goUp() throws {
        try namespace.ip("link", "set", innerName, "up")
    }

    private func withLength(_ address: String) -> String {
        "\(address)/\(NetworkSubnet.prefixLength)"
    }
}
