/// What a relay carries: the type of its header. 2 (UDP) and 3 (packets) are reserved.
package enum RelayKind: UInt64, Hashable, Sendable {
    case tcp = 0x01
}
