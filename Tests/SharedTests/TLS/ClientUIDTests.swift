import Shared
import Testing

@Suite("ClientUID")
struct ClientUIDTests {
    @Test(arguments: ["a", "client-1", "Größe 7", "日本", "a b", String(repeating: "x", count: 255)])
    func usableTextIsKeptAsItIs(text: String) throws {
        let uid = try ClientUID(text)
        #expect(uid.text == text)
        #expect("\(uid)" == text)
    }

    @Test(arguments: [
        ("", ClientUIDError.empty),
        (String(repeating: "x", count: 256), .tooLong(bytes: 256)),
        (String(repeating: "ü", count: 128), .tooLong(bytes: 256)),
        ("a\u{0}b", .controlCharacter),
        ("a\nb", .controlCharacter),
        ("a\u{7F}", .controlCharacter),
        ("a\u{85}b", .controlCharacter),
        (" a", .surroundingWhitespace),
        ("a ", .surroundingWhitespace),
        ("\u{A0}a", .surroundingWhitespace),
    ])
    func unusableTextIsRefusedForItsReason(text: String, reason: ClientUIDError) {
        #expect(throws: reason) { try ClientUID(text) }
    }

    @Test func sameGlyphsInOtherBytesAreAnotherIdentity() throws {
        let composed = try ClientUID("caf\u{E9}")
        let decomposed = try ClientUID("cafe\u{301}")
        #expect(composed.text == decomposed.text)
        #expect(composed != decomposed)
        #expect(Set([composed, decomposed, composed]).count == 2)
    }
}
