/// Why a datagram came to nothing.
package enum DatagramDropReason: Hashable, Sendable {
    case malformed
    case unknownConnection
    case notAnInitial
    case tooManyHalfOpenHandshakes
    case notAServer
}
