import NIOCore
import Shared

/// An IP address as a number, for comparing with blocks; without port and zone.
struct IPAddress: Hashable, Sendable {
    enum Family: Hashable, Sendable {
        case ipv4
        case ipv6

        var bitCount: Int {
            switch self {
            case .ipv4: 32
            case .ipv6: 128
            }
        }
    }

    let family: Family
    /// The address in the low ``Family/bitCount`` bits.
    let bits: UInt128

    /// - Parameter bits: Those above the family's are zero.
    init(_ family: Family, _ bits: UInt128) {
        self.family = family
        self.bits = bits
    }

    /// - Parameter text: An IPv4 address in dotted form or an IPv6 address, without brackets or zone.
    /// - Returns: nil when it is anything else.
    init?(_ text: String) {
        guard IPLiteral.isValid(text) else { return nil }
        do {
            self.init(try SocketAddress(ipAddress: text, port: 0))
        } catch {
            return nil
        }
    }

    /// - Returns: nil for the address of a Unix domain socket.
    init?(_ address: SocketAddress) {
        switch address {
        case .v4(let address):
            // sockaddr_in, ip(7): family (2 bytes), port (2), address (4)
            self.init(.ipv4, withUnsafeBytes(of: address.address) { Self.number($0[4..<8]) })
        case .v6(let address):
            // sockaddr_in6, ipv6(7): family (2 bytes), port (2), flow (4), address (16), scope (4)
            self.init(.ipv6, withUnsafeBytes(of: address.address) { Self.number($0[8..<24]) })
        case .unixDomainSocket:
            return nil
        }
    }

    /// The IPv4 address within an IPv4-mapped one (RFC 4291 §2.5.5.2), which the system dials with IPv4; every other address
    /// as it is, whatever IPv4 address some gateway may see in it.
    var unmapped: IPAddress {
        family == .ipv6 && bits >> 32 == 0xffff ? IPAddress(.ipv4, bits & 0xffff_ffff) : self
    }

    /// The address that Linux connects to: the unspecified one leads to this machine.
    var reached: IPAddress {
        guard bits == 0 else { return self }
        return switch family {
        case .ipv4: IPAddress(.ipv4, 0x7f00_0001)
        case .ipv6: IPAddress(.ipv6, 1)
        }
    }

    /// Whether this machine answers by itself (RFC 1122 §3.2.1.3, RFC 4291 §2.5.3).
    var isLoopback: Bool {
        switch family {
        case .ipv4: bits >> 24 == 127
        case .ipv6: bits == 1
        }
    }

    private static func number(_ bytes: Slice<UnsafeRawBufferPointer>) -> UInt128 {
        bytes.reduce(0) { $0 << 8 | UInt128($1) }
    }
}

extension IPAddress: CustomStringConvertible {
    /// As people write it, an IPv6 address by RFC 5952.
    var description: String {
        let bytes = (1...family.bitCount / 8).map { UInt8(truncatingIfNeeded: bits >> (family.bitCount - 8 * $0)) }
        do {
            return try SocketAddress(packedIPAddress: ByteBuffer(bytes: bytes), port: 0).ipAddress ?? "\(bytes)"
        } catch {
            preconditionFailure("4 and 16 bytes are addresses")
        }
    }
}
