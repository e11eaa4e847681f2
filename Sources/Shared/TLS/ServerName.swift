/// The name that a connector dials, sends as SNI and demands in the listener's certificate.
package enum ServerName: Hashable, Sendable {
    /// A DNS name, 1 to 253 bytes.
    case dns(String)
    /// An IP address literal: it is demanded as an iPAddress name, and no SNI is sent (RFC 6066 §3).
    case address(String)

    /// - Returns: nil when `text` is neither an IP address nor a possible DNS name.
    package init?(_ text: String) {
        if IPLiteral.isValid(text) {
            self = .address(text)
            return
        }
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        let areLabels = labels.allSatisfy { label in
            (1...63).contains(label.utf8.count)
                && label.utf8.allSatisfy { byte in
                    switch byte {
                    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                        true
                    default:
                        false
                    }
                }
        }
        // A last label of digits is an IPv4 address that went wrong (RFC 1123 §2.1).
        let endsInDigits = labels.last?.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ?? true
        guard areLabels, !endsInDigits, text.utf8.count <= 253 else { return nil }
        self = .dns(text)
    }

    package var text: String {
        switch self {
        case .dns(let name): name
        case .address(let address): address
        }
    }
}
