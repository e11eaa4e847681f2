/// What an end can do beyond the protocol's version. Bits of a peer that is newer than we are stay as they are.
package struct Capabilities: OptionSet, Hashable, Sendable {
    /// 0 to 2^62 - 1, as on the wire.
    package let rawValue: UInt64

    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// Relays of ``RelayKind/tcp``. 0x2 (UDP relays) and 0x4 (packets) are reserved.
    package static let tcpRelays = Capabilities(rawValue: 0x1)
}
