/// The address that the connector dials for a relay: a host name or IP literal, and a TCP port.
///
/// The host is opaque to the listener: the connector resolves it in its own network. It is bounded and free of
/// everything that could break the stream header or a log line.
package struct TargetAddress: Hashable, Sendable {
    /// The greatest length of a host, in UTF-8 bytes: a DNS name's (RFC 1035 §2.3.4).
    package static let maxHostBytes = 253

    /// A host name, or an IP literal without brackets.
    package let host: String
    /// 1 to 65,535.
    package let port: UInt16

    /// - Parameters:
    ///   - host: A host name or an IP literal; an IPv6 literal may stand in brackets.
    ///   - port: 1 to 65,535.
    /// - Throws: ``TargetAddressError`` with the first rule that is broken.
    package init(host: String, port: UInt16) throws(TargetAddressError) {
        self.host = try Self.parse(host: host)
        guard port > 0 else {
            throw .portOutOfRange
        }
        self.port = port
    }

    /// Parses the form of the original's stream header, `host:port`.
    ///
    /// An IPv6 literal comes in brackets (`[::1]:80`); without them, as the original sends what its user typed, the last
    /// colon separates the port (`::1:80`).
    ///
    /// - Throws: ``TargetAddressError`` with the first rule that is broken.
    package init(legacyText: String) throws(TargetAddressError) {
        guard let separator = legacyText.utf8.lastIndex(of: UInt8(ascii: ":")) else {
            throw .portMissing
        }
        let portText = legacyText[separator...].dropFirst()
        // `UInt16("+80")` is a number too, but no port that anybody writes.
        guard portText.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }), let port = UInt16(portText)
        else {
            throw .portOutOfRange
        }
        try self.init(host: String(legacyText[..<separator]), port: port)
    }

    /// The form of the original's stream header: `host:port`, an IPv6 literal in brackets.
    package var legacyText: String {
        host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    private static func parse(host: String) throws(TargetAddressError) -> String {
        guard !host.isEmpty else {
            throw .hostEmpty
        }
        guard host.utf8.count <= maxHostBytes else {
            throw .hostTooLong(bytes: host.utf8.count)
        }
        for scalar in host.unicodeScalars where scalar.isControl || scalar.isWhitespace || scalar == "|" {
            throw .hostContainsForbiddenCharacter
        }
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        let bare = isBracketed ? String(host.dropFirst().dropLast()) : host
        // Only an IPv6 literal has colons or brackets.
        guard isBracketed || bare.utf8.contains(where: ":[]".utf8.contains) else {
            return bare
        }
        guard bare.utf8.contains(UInt8(ascii: ":")), IPLiteral.isValid(bare) else {
            throw .malformedIPv6
        }
        return bare
    }
}

extension TargetAddress: CustomStringConvertible {
    package var description: String { legacyText }
}

/// Why a host and port are no ``TargetAddress``; the description completes the sentence "the target …".
package enum TargetAddressError: Error, Hashable, CustomStringConvertible {
    case hostEmpty
    case hostTooLong(bytes: Int)
    case hostContainsForbiddenCharacter
    case malformedIPv6
    case portMissing
    case portOutOfRange

    package var description: String {
        switch self {
        case .hostEmpty: "has an empty host"
        case .hostTooLong(let bytes):
            "has a host of \(bytes) bytes, and at most \(TargetAddress.maxHostBytes) are allowed"
        case .hostContainsForbiddenCharacter: "has a host with white space, a control character or '|'"
        case .malformedIPv6: "has a host with ':' or brackets that is no IPv6 address"
        case .portMissing: "has no port"
        case .portOutOfRange: "has a port that is not a number from 1 to 65535"
        }
    }
}
