import Testing

@testable import Shared

@Suite("CloseFrame")
struct CloseFrameTests {
    @Test func controlCharactersAreReplaced() {
        let frame = CloseFrame.application(1, reason: "a\u{1b}[2Jb\nc\td\u{7f}e\u{9b}f\u{0}g ü 漢")
        #expect(frame.reason == "a\u{FFFD}[2Jb\u{FFFD}c\u{FFFD}d\u{FFFD}e\u{FFFD}f\u{FFFD}g ü 漢")
    }

    @Test func aReasonIsBounded() {
        #expect(CloseFrame.application(1, reason: String(repeating: "x", count: 10_000)).reason.utf8.count == 512)
        #expect(CloseFrame.application(1, reason: String(repeating: "x", count: 512)).reason.utf8.count == 512)
    }

    @Test func aReasonIsCutBetweenCharacters() {
        // 171 × 3 bytes = 513: the last byte that fits is in the middle of a character.
        let frame = CloseFrame.application(1, reason: String(repeating: "漢", count: 171))
        #expect(frame.reason == String(repeating: "漢", count: 169) + "…")
    }

    @Test func aPeersBytesAreBoundedWhateverTheyAre() {
        for byte in 0...255 as ClosedRange<UInt8> {
            let bytes = [UInt8](repeating: byte, count: 2000)
            let frame = bytes.withUnsafeBytes { CloseFrame(isApplication: true, code: 0, reasonBytes: $0) }
            #expect(frame.reason.utf8.count <= 512, "byte \(byte)")
            #expect(frame.reason.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7f...0x9f).contains($0.value) })
        }
    }

    @Test func onlyATransportCloseCarriesAnAlert() {
        #expect(CloseFrame.transport(0x12d, reason: "").tlsAlert == 45)
        #expect(CloseFrame.transport(0x1ff, reason: "").tlsAlert == 255)
        #expect(CloseFrame.transport(0x100, reason: "").tlsAlert == 0)
        #expect(CloseFrame.transport(0x200, reason: "").tlsAlert == nil)
        #expect(CloseFrame.transport(0xff, reason: "").tlsAlert == nil)
        #expect(CloseFrame.application(0x12d, reason: "").tlsAlert == nil)
    }

    @Test func aPersonCanReadIt() {
        #expect(
            CloseFrame.application(0x11, reason: "not admitted").description == "not admitted (application error 0x11)"
        )
        #expect(CloseFrame.transport(0x130, reason: "").description == "TLS alert unknown_ca")
        let closures: [ConnectionClosure] = [
            .local(.transport(1, reason: "x")), .peer(.transport(1, reason: "x")), .idleTimeout, .handshakeTimeout,
            .statelessReset, .noCommonVersion, .dropped(libraryError: -1), .assertionFailed("x > 0"),
        ]
        #expect(Set(closures.map(\.description)).count == closures.count)
        #expect(closures.allSatisfy { !$0.description.isEmpty })
    }
}
