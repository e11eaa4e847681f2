import NIOCore
import Testing

@testable import Shared

@Suite("FrameMembers")
struct FrameMembersTests {
    private enum Key: UInt64 {
        case first = 1
        case second = 2
    }

    private func members(_ hex: String) throws -> FrameMembers<Key> {
        try FrameMembers(Frame(type: 0, payload: WarpSamples.bytes(hex)))
    }

    @Test func membersComeInAnyOrder() throws {
        let members = try members("02 02 68 69 01 02 41 00")
        #expect(try members.integer(.first) == 256)
        #expect(try members.text(.second, maximumBytes: 2) == "hi")
        #expect(try members.bytes(.second) == [0x68, 0x69])
    }

    @Test func unknownMembersAreSkippedHoweverOften() throws {
        let members = try members("03 01 00 01 01 07 03 00 ff ff ff ff ff ff ff ff 02 01 02")
        #expect(try members.integer(.first) == 7)
        #expect(try members.integerIfPresent(.second) == nil)
    }

    @Test func aMissingMemberIsAnErrorWhereItIsRequired() throws {
        let members = try members("")
        #expect(try members.integerIfPresent(.first) == nil)
        #expect(try members.textIfPresent(.first, maximumBytes: 1) == nil)
        #expect(throws: WarpCodingError.missingMember(key: 1)) { try members.integer(.first) }
        #expect(throws: WarpCodingError.missingMember(key: 1)) { try members.text(.first, maximumBytes: 1) }
        #expect(throws: WarpCodingError.missingMember(key: 2)) { try members.bytes(.second) }
    }

    @Test(arguments: [
        "01",  // no length
        "40",  // half a key
        "01 01",  // no value
        "01 40",  // half a length
        "01 02 00",  // half a value
        "03 02 00",  // of a key that is unknown, too
        "01 01 00 02 ff ff ff ff ff ff ff ff",  // more than any frame holds
    ])
    func aMemberThatDoesNotFitIsAnError(hex: String) {
        #expect(throws: WarpCodingError.memberOverrun) { try members(hex) }
    }

    @Test(arguments: ["01 01 00 01 01 00", "01 00 01 00", "01 01 00 02 00 40 01 00"])
    func aKnownMemberThatIsThereTwiceIsAnError(hex: String) {
        #expect(throws: WarpCodingError.duplicateMember(key: 1)) { try members(hex) }
    }

    @Test(arguments: [
        "01 00",  // empty
        "01 01 40",  // half an integer
        "01 02 07 00",  // more than an integer
        "01 09 ff ff ff ff ff ff ff ff 00",
    ])
    func anIntegerFillsItsValueExactly(hex: String) throws {
        let members = try members(hex)
        #expect(throws: WarpCodingError.malformedMember(key: 1)) { try members.integer(.first) }
        #expect(throws: WarpCodingError.malformedMember(key: 1)) { try members.integerIfPresent(.first) }
    }

    @Test(arguments: [("01 01 07", 7), ("01 02 40 07", 7), ("01 08 ff ff ff ff ff ff ff ff", (1 << 62) - 1)])
    func anIntegerHasAnyOfItsLengths(hex: String, integer: UInt64) throws {
        #expect(try members(hex).integer(.first) == integer)
    }

    @Test func aTextIsBounded() throws {
        let members = try members("01 03 61 c3 a9 02 00")
        #expect(try members.text(.first, maximumBytes: 3) == "aé")
        #expect(throws: WarpCodingError.malformedMember(key: 1)) { try members.text(.first, maximumBytes: 2) }
        #expect(try members.text(.second, maximumBytes: 0) == "")
    }

    @Test(arguments: ["01 01 ff", "01 02 61 c3", "01 03 ed a0 80", "01 02 c0 80"])
    func aTextIsUTF8(hex: String) throws {
        let members = try members(hex)
        #expect(throws: WarpCodingError.malformedMember(key: 1)) { try members.text(.first, maximumBytes: 9) }
    }

    @Test func theWriterUsesTheShortestForms() {
        var writer = FrameWriter<Key>(allocator: WarpSamples.allocator)
        writer.write(16_384, for: .first)
        writer.write(String(repeating: "x", count: 64), for: .second)
        let bytes = Array(buffer: writer.encoded(type: 63, allocator: WarpSamples.allocator))
        #expect(bytes.prefix(12) == [0x3f, 0x40, 73, 1, 4, 0x80, 0, 0x40, 0, 2, 0x40, 64])
        #expect(bytes.count == 3 + 73)
    }
}
