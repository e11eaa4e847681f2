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
        #expect("abcdefg".singleLine(limit: 6) == "abc…")
        #expect("abcdefg".singleLine(limit: 3) == "…")
        #expect("漢字".singleLine(limit: 6) == "漢字")
        #expect("漢字a".singleLine(limit: 6) == "漢…")
        #expect("漢字漢".singleLine(limit: 8) == "漢…")
    }

    @Test func theLimitHoldsInBytesWhateverTheText() {
        for unit in ["a", "ü", "漢", "😀", "\u{1B}", "a\u{202E}😀"] {
            let text = String(repeating: unit, count: 100)
            for limit in 3...40 {
                let line = text.singleLine(limit: limit)
                #expect(line.utf8.count <= limit)
                #expect(line.utf8.count > limit - 4 - 3)
                #expect(line.hasSuffix("…"))
            }
        }
    }
}

@Suite("Unicode.Scalar")
struct UnicodeScalarTests {
    @Test func whatIsToldWithoutUnicodesTablesIsWhatTheySay() {
        let scalars = (UInt32(0)...0x3000).compactMap(Unicode.Scalar.init)
        #expect(scalars.allSatisfy { $0.isControl == ($0.properties.generalCategory == .control) })
        #expect(scalars.allSatisfy { $0.isWhitespace == $0.properties.isWhitespace })
        #expect(scalars.count { $0.isControl } == 65)
        #expect(scalars.count { $0.isWhitespace } == 25)
    }
}

@Suite("SocketAddress.hostAndPort")
struct SocketAddressTextTests {
    @Test(arguments: [("127.0.0.1", "127.0.0.1:80"), ("::1", "[::1]:80")])
    func addressIsWrittenAsPeopleWriteIt(address: String, text: String) throws {
        #expect(try SocketAddress(ipAddress: address, port: 80).hostAndPort == text)
    }
}
