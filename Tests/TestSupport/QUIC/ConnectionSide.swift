/// One of the two ends of a connection.
package enum ConnectionSide: String, Hashable, Sendable, CaseIterable {
    case client
    case server

    package var other: ConnectionSide { self == .client ? .server : .client }
}
