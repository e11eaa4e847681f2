import Shared
import Testing

@Suite("TargetAddress")
struct TargetAddressTests {
    @Test(arguments: [
        ("localhost", "localhost", "localhost:80"),
        ("10.0.0.1", "10.0.0.1", "10.0.0.1:80"),
        ("::1", "::1", "[::1]:80"),
        ("[::1]", "::1", "[::1]:80"),
        ("2001:db8::7", "2001:db8::7", "[2001:db8::7]:80"),
        ("bücher.example", "bücher.example", "bücher.example:80"),
    ])
    func hostIsKeptWithoutBracketsAndRenderedWithThem(given: String, host: String, legacyText: String) throws {
        let target = try TargetAddress(host: given, port: 80)
        #expect(target.host == host)
        #expect(target.port == 80)
        #expect(target.legacyText == legacyText)
    }

    @Test(arguments: [
        ("", TargetAddressError.hostEmpty),
        ("[]", .malformedIPv6),
        ("[::1", .malformedIPv6),
        ("::1]", .malformedIPv6),
        ("[localhost]", .malformedIPv6),
        ("[10.0.0.1]", .malformedIPv6),
        ("host:80", .malformedIPv6),
        ("http://host", .malformedIPv6),
        ("::g", .malformedIPv6),
        ("a|b", .hostContainsForbiddenCharacter),
        ("a b", .hostContainsForbiddenCharacter),
        ("a\u{0}", .hostContainsForbiddenCharacter),
        ("::1\u{0}", .hostContainsForbiddenCharacter),
        ("a\n", .hostContainsForbiddenCharacter),
        ("\u{2028}", .hostContainsForbiddenCharacter),
        (String(repeating: "a", count: 254), .hostTooLong(bytes: 254)),
    ])
    func unusableHostIsRefusedForItsReason(host: String, reason: TargetAddressError) {
        #expect(throws: reason) { try TargetAddress(host: host, port: 80) }
    }

    @Test func portZeroIsRefused() {
        #expect(throws: TargetAddressError.portOutOfRange) { try TargetAddress(host: "a", port: 0) }
    }

    @Test(arguments: [
        ("localhost:80", "localhost", 80),
        ("[::1]:443", "::1", 443),
        // As the original sends it when its user typed no brackets.
        ("::1:443", "::1", 443),
        ("10.0.0.1:65535", "10.0.0.1", 65_535),
        ("a:007", "a", 7),
    ])
    func legacyTextIsParsed(text: String, host: String, port: UInt16) throws {
        let target = try TargetAddress(legacyText: text)
        #expect(target.host == host)
        #expect(target.port == port)
    }

    @Test(arguments: [
        ("", TargetAddressError.portMissing),
        ("localhost", .portMissing),
        ("localhost:", .portOutOfRange),
        ("localhost:0", .portOutOfRange),
        ("localhost:65536", .portOutOfRange),
        ("localhost:+80", .portOutOfRange),
        ("localhost:-1", .portOutOfRange),
        ("localhost:80x", .portOutOfRange),
        (":80", .hostEmpty),
        ("a:b:80", .malformedIPv6),
        ("[::1]80", .portOutOfRange),
    ])
    func malformedLegacyTextIsRefusedForItsReason(text: String, reason: TargetAddressError) {
        #expect(throws: reason) { try TargetAddress(legacyText: text) }
    }

    @Test func legacyTextComesBackFromWhatItRendered() throws {
        for host in ["a.example", "::1", "fe80::1:2", "127.0.0.1"] {
            let target = try TargetAddress(host: host, port: 8080)
            #expect(try TargetAddress(legacyText: target.legacyText) == target)
        }
    }

    @Test func randomTextNeverTrapsAndIsBounded() {
        var generator = SystemRandomNumberGenerator()
        let alphabet = Array("[]:.|019afg \u{0}é")
        for _ in 0..<5_000 {
            let length = Int.random(in: 0..<300, using: &generator)
            let text = String((0..<length).map { _ in alphabet.randomElement(using: &generator) ?? "a" })
            do throws(TargetAddressError) {
                let target = try TargetAddress(legacyText: text)
                #expect(target.host.utf8.count <= TargetAddress.maxHostBytes)
                #expect(!target.legacyText.contains("|"))
            } catch {
                #expect(!"\(error)".isEmpty)
            }
        }
    }
}
