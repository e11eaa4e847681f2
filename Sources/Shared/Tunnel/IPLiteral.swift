import NIOCore

/// Recognises the text form of an IP address.
package enum IPLiteral {
    /// Whether `text` is an IPv4 address in dotted form or an IPv6 address without brackets and without a zone.
    package static func isValid(_ text: String) -> Bool {
        // The C parser stops at NUL, so what follows it would go unseen.
        guard !text.utf8.contains(0) else {
            return false
        }
        do {
            _ = try SocketAddress(ipAddress: text, port: 0)
            return true
        } catch {
            return false
        }
    }
}
