import NIOCore
import Shared
import Testing

@testable import Connector

@Suite("TargetPolicy")
struct TargetPolicyTests {
    /// A target, what it resolves to, and what is to be left.
    struct Case: Sendable, CustomTestStringConvertible {
        let allow: [String]?
        let deny: [String]
        let host: String
        let port: UInt16
        let resolved: [String]
        let left: [String]

        init(
            allow: [String]? = nil,
            deny: [String] = [],
            _ host: String,
            _ port: UInt16 = 80,
            at resolved: [String],
            leaves left: [String]
        ) {
            self.allow = allow
            self.deny = deny
            self.host = host
            self.port = port
            self.resolved = resolved
            self.left = left
        }

        var testDescription: String {
            "allow \(allow?.description ?? "all"), deny \(deny): \(host):\(port) at \(resolved)"
        }
    }

    private static func policy(allow: [String]? = nil, deny: [String] = []) throws -> TargetPolicy {
        TargetPolicy(allow: try allow?.map { try TargetRule($0) }, deny: try deny.map { try TargetRule($0) })
    }

    private static func addresses(_ texts: [String]) throws -> [SocketAddress] {
        try texts.map { try SocketAddress(ipAddress: $0, port: 80) }
    }

    private func judge(_ `case`: Case) throws -> [SocketAddress] {
        let policy = try Self.policy(allow: `case`.allow, deny: `case`.deny)
        let target = try TargetAddress(host: `case`.host, port: `case`.port)
        let resolved = try Self.addresses(`case`.resolved)
        do throws(TargetRefusal) {
            try policy.admit(target)
            return try policy.allowed(resolved, for: target)
        } catch {
            #expect(!"\(error)".isEmpty)
            return []
        }
    }

    @Test(arguments: [
        // Without rules everything is allowed.
        Case("a", at: ["10.0.0.1", "::1"], leaves: ["10.0.0.1", "::1"]),
        Case("127.0.0.1", at: ["127.0.0.1"], leaves: ["127.0.0.1"]),
        // An empty list allows nothing, nor does one without a rule for the port.
        Case(allow: [], "a", at: ["10.0.0.1"], leaves: []),
        Case(allow: [], "10.0.0.1", at: ["10.0.0.1"], leaves: []),
        Case(allow: ["*:443"], "a", at: ["10.0.0.1"], leaves: []),
        Case(allow: ["*:443"], "a", 443, at: ["10.0.0.1"], leaves: ["10.0.0.1"]),
        // A name or an address is enough.
        Case(allow: ["*"], "a", at: ["10.0.0.1"], leaves: ["10.0.0.1"]),
        Case(allow: ["*"], "10.0.0.1", at: ["10.0.0.1"], leaves: ["10.0.0.1"]),
        Case(allow: ["*.example"], "a.example", at: ["10.0.0.1", "::1"], leaves: ["10.0.0.1", "::1"]),
        Case(allow: ["*.example"], "A.EXAMPLE.", at: ["10.0.0.1"], leaves: ["10.0.0.1"]),
        Case(allow: ["*.example"], "a.test", at: ["10.0.0.1"], leaves: []),
        Case(allow: ["10.0.0.0/8"], "a", at: ["10.0.0.1"], leaves: ["10.0.0.1"]),
        Case(allow: ["10.0.0.0/8"], "a", at: ["192.0.2.1", "10.0.0.1", "::1"], leaves: ["10.0.0.1"]),
        Case(allow: ["10.0.0.0/8", "::1"], "a", at: ["192.0.2.1", "10.0.0.1", "::1"], leaves: ["10.0.0.1", "::1"]),
        Case(allow: ["*.example", "10.0.0.0/8"], "a.test", at: ["10.0.0.1"], leaves: ["10.0.0.1"]),
        // Names match names only.
        Case(allow: ["*.*"], "10.0.0.1", at: ["10.0.0.1"], leaves: []),
        Case(deny: ["*.*"], "10.0.0.1", at: ["10.0.0.1"], leaves: ["10.0.0.1"]),
        Case(deny: ["localhost"], "127.0.0.1", at: ["127.0.0.1"], leaves: ["127.0.0.1"]),
        Case(deny: ["localhost"], "LOCALHOST.", at: ["127.0.0.1"], leaves: []),
        // Deny wins: by name, by address, by port, by all.
        Case(allow: ["*"], deny: ["a"], "a", at: ["10.0.0.1"], leaves: []),
        Case(allow: ["a"], deny: ["*"], "a", at: ["10.0.0.1"], leaves: []),
        Case(deny: ["*"], "10.0.0.1", at: ["10.0.0.1"], leaves: []),
        Case(deny: ["*:25"], "10.0.0.1", 25, at: ["10.0.0.1"], leaves: []),
        Case(deny: ["*:25"], "10.0.0.1", 26, at: ["10.0.0.1"], leaves: ["10.0.0.1"]),
        Case(allow: ["10.0.0.0/8"], deny: ["10.1.0.0/16"], "a", at: ["10.0.0.1", "10.1.0.1"], leaves: ["10.0.0.1"]),
        Case(deny: ["10.0.0.1:20-30"], "a", 25, at: ["10.0.0.1"], leaves: []),
        Case(deny: ["10.0.0.1:20-30"], "a", 31, at: ["10.0.0.1"], leaves: ["10.0.0.1"]),
        // A name that is allowed is not allowed to lead to a denied address.
        Case(allow: ["a.example"], deny: ["127.0.0.0/8"], "a.example", at: ["127.0.0.1"], leaves: []),
        Case(
            allow: ["a.example"],
            deny: ["127.0.0.0/8"],
            "a.example",
            at: ["127.0.0.1", "10.0.0.1"],
            leaves: ["10.0.0.1"]
        ),
        // Numbers in disguise are names, and judged by what comes of them.
        Case(deny: ["127.0.0.0/8"], "0x7f.1", at: ["127.0.0.1"], leaves: []),
        Case(allow: ["10.0.0.0/8"], "2130706433", at: ["127.0.0.1"], leaves: []),
        // IPv4-mapped addresses are IPv4.
        Case(deny: ["127.0.0.0/8"], "::ffff:127.0.0.1", at: ["::ffff:127.0.0.1"], leaves: []),
        Case(allow: ["10.0.0.0/8"], "::ffff:10.0.0.1", at: ["::ffff:10.0.0.1"], leaves: ["::ffff:10.0.0.1"]),
        Case(allow: ["::/0"], "::ffff:10.0.0.1", at: ["::ffff:10.0.0.1"], leaves: []),
        Case(deny: ["::/0"], "::ffff:10.0.0.1", at: ["::ffff:10.0.0.1"], leaves: ["::ffff:10.0.0.1"]),
        // Other IPv6 addresses with an IPv4 address in them are not: compatible, 6to4, NAT64.
        Case(deny: ["127.0.0.0/8"], "a", at: ["::7f00:2"], leaves: ["::7f00:2"]),
        Case(
            deny: ["10.0.0.0/8"],
            "a",
            at: ["2002:a00:1::", "64:ff9b::a00:1"],
            leaves: ["2002:a00:1::", "64:ff9b::a00:1"]
        ),
        // The unspecified address leads to this machine, and a rule for itself counts too where it denies.
        Case(deny: ["127.0.0.0/8"], "0.0.0.0", at: ["0.0.0.0"], leaves: []),
        Case(deny: ["::1"], "::", at: ["::"], leaves: []),
        Case(deny: ["127.0.0.0/8"], "::ffff:0.0.0.0", at: ["::ffff:0.0.0.0"], leaves: []),
        Case(deny: ["0.0.0.0"], "0.0.0.0", at: ["0.0.0.0"], leaves: []),
        Case(deny: ["::"], "::", at: ["::"], leaves: []),
        Case(allow: ["127.0.0.1"], "0.0.0.0", at: ["0.0.0.0"], leaves: ["0.0.0.0"]),
        Case(allow: ["0.0.0.0/8"], "0.0.0.0", at: ["0.0.0.0"], leaves: []),
    ])
    func aTargetIsJudged(by case: Case) throws {
        #expect(try judge(`case`) == (try Self.addresses(`case`.left)))
    }

    @Test func theZoneOfAnAddressDoesNotMatter() throws {
        guard case .v6(let parsed) = try SocketAddress(ipAddress: "fe80::1", port: 80) else {
            Issue.record("not an IPv6 address")
            return
        }
        var address = parsed.address
        // sockaddr_in6: the scope is the last 4 bytes.
        withUnsafeMutableBytes(of: &address) { $0.storeBytes(of: 7, toByteOffset: 24, as: UInt32.self) }
        let policy = try Self.policy(deny: ["fe80::/10"])
        let target = try TargetAddress(host: "a", port: 80)
        #expect(throws: TargetRefusal.self) { try policy.allowed([SocketAddress(address)], for: target) }
    }

    @Test func aSocketFileIsNoTarget() throws {
        let path = try SocketAddress(unixDomainSocketPath: "/tmp/socket")
        let target = try TargetAddress(host: "a", port: 80)
        #expect(throws: TargetRefusal.notListed) { try TargetPolicy.everything.allowed([path], for: target) }
    }

    @Test func theRefusalNamesTheAddressAndTheRule() throws {
        let policy = try Self.policy(allow: ["*.example"], deny: ["10.0.0.0/8:80", "evil.example"])
        let target = try TargetAddress(host: "a.example", port: 80)
        let denied = #expect(throws: TargetRefusal.self) {
            try policy.allowed(Self.addresses(["10.0.0.1"]), for: target)
        }
        #expect(denied?.description == "10.0.0.1 is denied by 10.0.0.0/8:80 in deny_targets")
        let byName = #expect(throws: TargetRefusal.self) {
            try policy.admit(TargetAddress(host: "evil.example", port: 80))
        }
        #expect(byName?.description == "denied by evil.example in deny_targets")
        let other = try TargetAddress(host: "b.test", port: 80)
        let notListed = #expect(throws: TargetRefusal.self) {
            try policy.allowed(Self.addresses(["::ffff:192.0.2.1"]), for: other)
        }
        #expect(notListed?.description == "no rule of allow_targets matches the name or 192.0.2.1")
    }

    @Test func theExtremesAreWarnedAbout() throws {
        #expect(TargetPolicy.everything.warning?.contains("every target is allowed") == true)
        #expect(try Self.policy(allow: []).warning?.contains("no target is allowed") == true)
        #expect(try Self.policy(allow: ["*"]).warning == nil)
        #expect(try Self.policy(deny: ["127.0.0.0/8"]).warning == nil)
    }
}
