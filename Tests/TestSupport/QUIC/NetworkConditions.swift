package import NIOCore

/// What a ``VirtualNetwork`` does to datagrams.
package struct NetworkConditions: Hashable, Sendable {
    /// From one end to the other.
    package var delay: TimeAmount = .milliseconds(10)
    /// How many of a hundred datagrams are lost, 0 to 100.
    package var lossPercent = 0
    /// How many of a hundred datagrams arrive twice, 0 to 100.
    package var duplicationPercent = 0
    /// How many of a hundred datagrams are held back, and so overtaken, 0 to 100.
    package var reorderingPercent = 0
    /// By how much a datagram is held back at most.
    package var reorderingDelay: TimeAmount = .milliseconds(15)

    package init() {}

    /// Nothing is lost, and everything arrives in order.
    package static let perfect = NetworkConditions()

    /// One datagram in twenty is lost, one in twenty arrives twice, one in ten is overtaken.
    package static let hostile: NetworkConditions = {
        var conditions = NetworkConditions()
        conditions.lossPercent = 5
        conditions.duplicationPercent = 5
        conditions.reorderingPercent = 10
        return conditions
    }()
}
