import NIOCore
import Shared
import Testing

@Suite("singleLine")
struct SingleLineTests {
    @Test(arguments: [
        ("plain text, ünïcode", "plain text, ünïcode"),
        ("a\nb\r\n", "a\u{FFFD}b\u{FFFD}\u{FFFD}"),
        ("\u{1B}[31mred", "\u{FFFD}[31mred"),
        ("a\u{202E}b\u{2028}c", "a\u{FFFD}b\u{FFFD}c"),
        ("", ""),
    ])
    func charactersThatBreakTheLineAreReplaced(text: String, expected: String) {
        #expect(text.singleLine(limit: 100) == expected)
    }

    @Test func longTextEndsInAnEllipsis() {
        #expect("abcdef".singleLine(limit: 6) == "abcdef")
        #expect("abcdefg".singleLine(limit: 6) == "abcdef…")
    }
}

@Suite("SocketAddress.hostAndPort")
struct SocketAddressTextTests {
    @Test(arguments: [("127.0.0.1", "127.0.0.1:80"), ("::1", "[::1]:80")])
    func addressIsWrittenAsPeopleWriteIt(address: String, text: String) throws {
        #expect(try SocketAddress(ipAddress: address, port: 80).hostAndPort == text)
    }
}
