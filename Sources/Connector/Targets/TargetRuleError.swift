/// Why a text is no ``TargetRule``. Problem and remedy are those of a setting's error.
enum TargetRuleError: Error, Hashable, Sendable {
    case empty
    case tooLong
    case hostMissing
    case bracketNotClosed
    case textAfterBracket
    case malformedIPv6
    /// There is no IP address before the slash.
    case malformedBlock
    /// `last`: 32 or 128.
    case prefixOutOfRange(last: Int)
    case hostBitsSet(block: String)
    /// A block of IPv4-mapped IPv6 addresses; `block` is the IPv4 block.
    case mappedIPv4(block: String)
    /// Digits and dots that are no IPv4 address.
    case malformedIPv4
    case forbiddenCharacter(Character)
    case nameTooLong
    case portsMissing
    case malformedPorts(String)
    case reversedPorts(String)

    /// What is wrong, continuing the sentence that begins with the rule.
    var problem: String {
        switch self {
        case .empty: "is empty"
        case .tooLong: "has more than \(TargetRule.maxBytes) bytes"
        case .hostMissing: "has no host"
        case .bracketNotClosed: "has '[' without ']'"
        case .textAfterBracket: "has something other than ':' and ports behind ']'"
        case .malformedIPv6: "is not an IPv6 address or block"
        case .malformedBlock: "has no IP address before '/'"
        case .prefixOutOfRange(let last): "has no number from 0 to \(last) behind '/'"
        case .hostBitsSet: "has bits set behind its prefix"
        case .mappedIPv4: "is IPv4 in the form of IPv6, which is judged as IPv4"
        case .malformedIPv4: "is neither an IPv4 address nor a name"
        case .forbiddenCharacter(let character): "has '\(character)', which is in no host name"
        case .nameTooLong: "has a name that is longer than a host name can be"
        case .portsMissing: "has no ports behind ':'"
        case .malformedPorts(let text): "has '\(text)' where a port or a range of ports is expected"
        case .reversedPorts(let text): "has the ports \(text), which end before they begin"
        }
    }

    /// What to do about it.
    var remedy: String {
        switch self {
        case .hostBitsSet(let block), .mappedIPv4(let block): "use \(block)"
        case .prefixOutOfRange(let last): "use a block such as \(last == 32 ? "10.0.0.0/8" : "fd00::/8")"
        case .malformedIPv4: "use an address such as 10.1.2.3 or a block such as 10.0.0.0/8; '*' is for names"
        case .bracketNotClosed, .textAfterBracket, .malformedIPv6:
            "use ADDRESS or [ADDRESS]:PORTS, such as ::1 or [fd00::/8]:80,443"
        case .portsMissing, .malformedPorts, .reversedPorts: "use ports from 1 to 65535, such as 80,443,8000-8999"
        case .empty, .tooLong, .hostMissing, .malformedBlock, .forbiddenCharacter, .nameTooLong:
            "use HOST or HOST:PORTS, such as *.example.com:443 or 10.0.0.0/8"
        }
    }
}
