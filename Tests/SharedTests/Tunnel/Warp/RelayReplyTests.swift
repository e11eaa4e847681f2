import NIOCore
import Shared
import Testing

@Suite("RelayReply")
struct RelayReplyTests {
    private func encoded(_ reply: RelayReply) -> ByteBuffer {
        reply.encoded(allocator: WarpSamples.allocator)
    }

    @Test(arguments: [
        (RelayReply(status: .connected), "00 00"),
        (RelayReply(status: .refused, detail: "busy"), "01 06 01 04 62 75 73 79"),
        (RelayReply(status: .goingAway), "09 02 01 00"),
        (RelayReply(status: .connected, detail: "a"), "00 03 01 01 61"),
    ])
    func theExamplesOfTheDocumentationAreEncodedAndDecoded(reply: RelayReply, hex: String) throws {
        let bytes = try WarpSamples.bytes(hex)
        #expect(encoded(reply) == bytes)
        #expect(try RelayReply(WarpSamples.frame(bytes)) == reply)
    }

    @Test func whatIsEncodedIsDecoded() throws {
        for reply in WarpSamples.relayReplies() {
            #expect(try RelayReply(WarpSamples.frame(encoded(reply))) == reply)
        }
    }

    @Test func membersAreJudgedOneByOne() throws {
        let damage = WarpMemberDamage { try RelayReply($0) }
        for reply in WarpSamples.relayReplies() {
            try damage.check(reply, encoded(reply))
        }
        let wordy = RelayReply(status: .connected, detail: "after 3 ms")
        try damage.check(wordy, encoded(wordy), optional: [1])
    }

    @Test(arguments: [10, 63, (1 << 62) - 1] as [UInt64])
    func anUnknownStatusCountsAsUnreachable(status: UInt64) throws {
        let reply = try RelayReply(WarpSamples.frame(type: status, [.text(1, "new")]))
        #expect(reply == RelayReply(status: .unreachable, detail: "new"))
        #expect(throws: WarpCodingError.missingMember(key: 1)) { try RelayReply(WarpSamples.frame(type: status, [])) }
    }

    @Test func detailsAreBounded() throws {
        let text = String(repeating: "a", count: 512)
        #expect(try RelayReply(WarpSamples.frame(type: 1, [.text(1, text)])).detail == text)
        for type in [0, 1] as [UInt64] {
            let frame = WarpSamples.frame(type: type, [.text(1, text + "a")])
            #expect(throws: WarpCodingError.malformedMember(key: 1)) { try RelayReply(frame) }
        }
        let reply = RelayReply(status: .refused, detail: String(repeating: "a", count: 511) + "ü")
        #expect(reply.detail == String(repeating: "a", count: 511))
        #expect(try RelayReply(WarpSamples.frame(encoded(reply))) == reply)
    }

    @Test func everyStatusHasItsNumberItsCodeAndItsWords() {
        let expected: [(UInt64, RelayStatus, ApplicationErrorCode)] = [
            (0x00, .connected, .noError),
            (0x01, .refused, .targetUnreachable),
            (0x02, .unreachable, .targetUnreachable),
            (0x03, .timedOut, .dialTimedOut),
            (0x04, .nameNotFound, .nameNotFound),
            (0x05, .notAllowed, .targetNotAllowed),
            (0x06, .unsupportedKind, .unsupportedRelayKind),
            (0x07, .malformedHeader, .malformedHeader),
            (0x08, .overloaded, .overloaded),
            (0x09, .goingAway, .shuttingDown),
        ]
        #expect(RelayStatus.allCases == expected.map { $0.1 })
        for (number, status, code) in expected {
            #expect(status.rawValue == number)
            #expect(status.code == code)
        }
        #expect(Set(RelayStatus.allCases.map(\.words)).count == expected.count)
    }

    @Test func aHundredThousandDamagedRepliesAreJudgedWithoutTrapping() throws {
        var garbage = WarpGarbage(seed: 33, samples: WarpSamples.relayReplies().map(encoded))
        var (accepted, refused, changed) = (0, 0, 0)
        for _ in 0..<100_000 {
            var reader = FrameReader()
            reader.append(garbage.next())
            do throws(WarpCodingError) {
                guard let frame = try reader.next() else { continue }
                let reply = try RelayReply(frame)
                accepted += 1
                // One in eight, for the time that it takes.
                guard accepted.isMultiple(of: 8) else { continue }
                var second = FrameReader()
                second.append(encoded(reply))
                guard let again = try second.next(), try RelayReply(again) == reply else {
                    changed += 1
                    continue
                }
            } catch {
                refused += 1
            }
        }
        #expect(changed == 0)
        #expect(accepted > 10_000)
        #expect(refused > 1000)
    }
}
