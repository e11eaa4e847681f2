import Shared
import TestSupport
import Testing

@testable import Connector

@Suite("TargetRule")
struct TargetRuleTests {
    @Test(arguments: [
        // rule, name, port, does it match
        ("db.example.com", "db.example.com", 80, true),
        ("db.example.com", "DB.Example.COM.", 80, true),
        ("DB.example.com.", "db.example.com", 80, true),
        ("db.example.com", "xdb.example.com", 80, false),
        ("db.example.com", "db.example.com.x", 80, false),
        ("db.example.com", "dbXexample.com", 80, false),
        ("db.example.com:443", "db.example.com", 443, true),
        ("db.example.com:443", "db.example.com", 80, false),
        ("*.example.com", "a.example.com", 1, true),
        ("*.example.com", "a.b.example.com", 65_535, true),
        ("*.example.com", ".example.com", 80, true),
        ("*.example.com", "example.com", 80, false),
        ("*.example.com", "a.example.com.evil", 80, false),
        ("db*", "db", 80, true),
        ("db*", "db7.example", 80, true),
        ("db*", "adb", 80, false),
        ("db-*.*.example", "db-1.eu.example", 80, true),
        ("db-*.*.example", "db-1.example", 80, false),
        ("a*b*c", "abc", 80, true),
        ("a*b*c", "aXbYbZc", 80, true),
        ("a*b*c", "acb", 80, false),
        ("a*a", "a", 80, false),
        ("a*a", "aa", 80, true),
        ("*aab*", "aaab", 80, true),
        ("**x**", "axb", 80, true),
        ("*.*", "a.b", 80, true),
        ("*.*", "localhost", 80, false),
        ("*", "anything", 80, true),
        ("**", "anything", 80, true),
        ("*:22,8000-8999", "anything", 22, true),
        ("*:22,8000-8999", "anything", 8000, true),
        ("*:22,8000-8999", "anything", 8999, true),
        ("*:22,8000-8999", "anything", 9000, false),
        ("*:1-65535", "anything", 65_535, true),
        ("bücher.example", "bücher.example", 80, true),
        ("bücher.example", "BÜCHER.example", 80, false),
        ("k.example", "\u{212A}.example", 80, false),
        ("a_b.example", "a_b.example", 80, true),
        // An address rule never matches a name, nor the text of one.
        ("0.0.0.0/0", "db.example.com", 80, false),
        ("10.0.0.1", "10.0.0.1", 80, false),
    ])
    func aNameIsMatched(rule: String, name: String, port: UInt16, isMatch: Bool) throws {
        #expect(try TargetRule(rule).matches(HostName(name), port: port) == isMatch)
    }

    @Test(arguments: [
        ("10.0.0.0/8", "10.255.255.255", 80, true),
        ("10.0.0.0/8", "11.0.0.0", 80, false),
        ("10.0.0.0/8", "::a00:1", 80, false),
        ("10.0.0.0/8:80", "10.0.0.1", 80, true),
        ("10.0.0.0/8:80", "10.0.0.1", 81, false),
        ("10.1.2.3", "10.1.2.3", 80, true),
        ("10.1.2.3:80", "10.1.2.3", 80, true),
        ("10.1.2.3", "10.1.2.4", 80, false),
        ("10.1.2.3/32", "10.1.2.3", 80, true),
        ("10.1.2.2/31", "10.1.2.3", 80, true),
        ("128.0.0.0/1", "255.255.255.255", 80, true),
        ("128.0.0.0/1", "127.255.255.255", 80, false),
        ("0.0.0.0/0", "203.0.113.9", 80, true),
        ("0.0.0.0/0", "2001:db8::1", 80, false),
        ("::1", "::1", 80, true),
        ("::1", "::2", 80, false),
        ("[::1]", "::1", 80, true),
        ("[::1]:80", "::1", 80, true),
        ("[::1]:80", "::1", 81, false),
        // Without brackets it is all one address.
        ("::1:80", "::1:80", 443, true),
        ("fd00::/8", "fdff::1", 80, true),
        ("fd00::/8", "fe00::1", 80, false),
        ("[fd00::/8]:80,443", "fd12::1", 443, true),
        ("[fd00::/8]:80,443", "fd12::1", 8443, false),
        ("::/0", "2001:db8::1", 80, true),
        ("::/0", "10.0.0.1", 80, false),
        ("2001:db8::/127", "2001:db8::1", 80, true),
        ("2001:db8::/127", "2001:db8::2", 80, false),
        ("*", "10.0.0.1", 80, true),
        ("*:80", "::1", 81, false),
        ("*.*", "10.0.0.1", 80, false),
        ("localhost", "127.0.0.1", 80, false),
    ])
    func anAddressIsMatched(rule: String, address: String, port: UInt16, isMatch: Bool) throws {
        let address = try #require(IPAddress(address))
        #expect(try TargetRule(rule).matches(address, port: port) == isMatch)
    }

    @Test(arguments: [("*", true), ("*:80", true), ("**", true), ("*.*", false), ("a*", false), ("10.0.0.1", false)])
    func onlyALoneStarMatchesWhatHasNoName(rule: String, isMatch: Bool) throws {
        #expect(try TargetRule(rule).matches(nil, port: 80) == isMatch)
    }

    @Test(arguments: [
        ("", TargetRuleError.empty),
        (String(repeating: "a", count: 513), .tooLong),
        (String(repeating: "a", count: 254), .nameTooLong),
        (":80", .hostMissing),
        ("[]", .hostMissing),
        ("[]:80", .hostMissing),
        ("[::1", .bracketNotClosed),
        ("[::1]80", .textAfterBracket),
        ("[::1] :80", .textAfterBracket),
        ("[::1]/8", .textAfterBracket),
        ("[::1]:", .portsMissing),
        ("[localhost]:80", .malformedIPv6),
        ("[10.0.0.1]:80", .malformedIPv6),
        ("[10.0.0.0/8]:80", .malformedIPv6),
        ("[::1%lo]", .malformedIPv6),
        ("10.0.0.1:80:81", .malformedIPv6),
        ("http://host:80", .malformedBlock),
        ("http://host", .malformedPorts("//host")),
        (":::", .malformedIPv6),
        ("::g", .malformedIPv6),
        ("/8", .malformedBlock),
        ("host/8", .malformedBlock),
        ("*/8", .malformedBlock),
        ("10.0.0/8", .malformedBlock),
        ("010.0.0.0/8", .malformedBlock),
        ("10.0.0.0/", .prefixOutOfRange(last: 32)),
        ("10.0.0.0/33", .prefixOutOfRange(last: 32)),
        ("10.0.0.0/-1", .prefixOutOfRange(last: 32)),
        ("10.0.0.0/+8", .prefixOutOfRange(last: 32)),
        ("10.0.0.0/8/8", .prefixOutOfRange(last: 32)),
        ("10.0.0.0/0008", .prefixOutOfRange(last: 32)),
        ("10.0.0.0/255.0.0.0", .prefixOutOfRange(last: 32)),
        ("fd00::/129", .prefixOutOfRange(last: 128)),
        ("10.0.0.1/8", .hostBitsSet(block: "10.0.0.0/8")),
        ("10.0.0.1/8:80", .hostBitsSet(block: "10.0.0.0/8")),
        ("10.0.0.1/0", .hostBitsSet(block: "0.0.0.0/0")),
        ("fd00::1/8", .hostBitsSet(block: "fd00::/8")),
        ("[2001:DB8::ff/120]:80", .hostBitsSet(block: "2001:db8::/120")),
        ("::ffff:10.0.0.1", .mappedIPv4(block: "10.0.0.1")),
        ("[::ffff:10.0.0.1]:80", .mappedIPv4(block: "10.0.0.1")),
        ("::ffff:10.0.0.0/104", .mappedIPv4(block: "10.0.0.0/8")),
        ("::ffff:0:0/96", .mappedIPv4(block: "0.0.0.0/0")),
        ("10.0.0.256", .malformedIPv4),
        ("10.0.0", .malformedIPv4),
        ("10.*", .malformedIPv4),
        ("10.0.0.*:80", .malformedIPv4),
        ("2130706433", .malformedIPv4),
        ("0x7f.1", .malformedIPv4),
        ("010.0.0.1", .malformedIPv4),
        ("10.0.0.1.", .malformedIPv4),
        ("a b", .forbiddenCharacter(" ")),
        ("a?", .forbiddenCharacter("?")),
        ("a\u{0}b", .forbiddenCharacter("\u{0}")),
        ("a\u{2028}b", .forbiddenCharacter("\u{2028}")),
        ("!a", .forbiddenCharacter("!")),
        ("a[b]", .forbiddenCharacter("[")),
        ("a:", .portsMissing),
        ("a:0", .malformedPorts("0")),
        ("a:65536", .malformedPorts("65536")),
        ("a:http", .malformedPorts("http")),
        ("a:+80", .malformedPorts("+80")),
        ("a:*", .malformedPorts("*")),
        ("a:80,", .malformedPorts("")),
        ("a:80, 443", .malformedPorts(" 443")),
        ("a:80-", .malformedPorts("80-")),
        ("a:-80", .malformedPorts("-80")),
        ("a:1-2-3", .malformedPorts("1-2-3")),
        ("a:0-80", .malformedPorts("0-80")),
        ("a:90-80", .reversedPorts("90-80")),
        ("a:\u{301}80", .malformedPorts("\u{301}80")),
    ])
    func anUnusableRuleIsRefusedForItsReason(text: String, reason: TargetRuleError) {
        #expect(throws: reason) { try TargetRule(text) }
        #expect(!reason.problem.isEmpty && !reason.remedy.isEmpty)
    }

    @Test func everyRemedyIsAUsableRule() throws {
        for text in ["10.0.0.1/8", "fd00::1/8", "::ffff:10.0.0.0/104", "::ffff:10.0.0.1", "255.255.255.255/31"] {
            let error = #expect(throws: TargetRuleError.self) { try TargetRule(text) }
            let remedy = try #require(error?.remedy)
            #expect(remedy.hasPrefix("use "))
            _ = try TargetRule(String(remedy.dropFirst(4)))
        }
    }

    @Test func randomTextNeverTraps() {
        var generator = SplitMix64(state: 21)
        let alphabet = Array("[]:./*-,0123456789afxdF%+ \u{0}é\u{301}😀".unicodeScalars)
        var usableCount = 0
        for _ in 0..<100_000 {
            var text = String.UnicodeScalarView()
            for _ in 0..<generator.next(upperBound: UInt64(24)) {
                text.append(alphabet[Int(generator.next(upperBound: UInt64(alphabet.count)))])
            }
            do throws(TargetRuleError) {
                let rule = try TargetRule(String(text))
                usableCount += 1
                _ = rule.matches(HostName(String(text)), port: 80)
                _ = rule.matches(IPAddress(.ipv4, 0x0a00_0001), port: 80)
            } catch {
                if error.problem.isEmpty || error.remedy.isEmpty { Issue.record("\(error)") }
            }
        }
        #expect(usableCount > 100)
    }

    @Test func randomlyDamagedRulesNeverTrap() {
        var generator = SplitMix64(state: 22)
        let samples = ["10.0.0.0/8:80,8000-8999", "[fd00::/8]:443", "*.example.com:1-65535", "::ffff:10.0.0.0/104"]
        for _ in 0..<100_000 {
            var scalars = Array(samples[Int(generator.next(upperBound: UInt64(samples.count)))].unicodeScalars)
            for _ in 0...generator.next(upperBound: UInt64(3)) {
                let index = Int(generator.next(upperBound: UInt64(scalars.count)))
                scalars[index] = Unicode.Scalar(UInt8(truncatingIfNeeded: generator.next()))
            }
            do throws(TargetRuleError) {
                var text = String.UnicodeScalarView()
                text.append(contentsOf: scalars)
                _ = try TargetRule(String(text))
            } catch {
                if error.problem.isEmpty || error.remedy.isEmpty { Issue.record("\(error)") }
            }
        }
    }
}
