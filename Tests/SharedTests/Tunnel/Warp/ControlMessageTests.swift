import NIOCore
import Shared
import Testing

@Suite("ControlMessage")
struct ControlMessageTests {
    private typealias Member = WarpSamples.Member

    private func encoded(_ message: ControlMessage) -> ByteBuffer {
        message.encoded(allocator: WarpSamples.allocator)
    }

    private func decoded(_ bytes: ByteBuffer) throws -> ControlMessage? {
        try ControlMessage(try WarpSamples.frame(bytes))
    }

    @Test func theHelloOfTheDocumentationIsEncodedAndDecoded() throws {
        let bytes = try WarpSamples.bytes(
            """
            01 1e
            01 01 01
            02 04 73 77 20 32
            03 10 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f
            04 01 01
            """
        )
        let message = ControlMessage.hello(try WarpSamples.hello())
        #expect(encoded(message) == bytes)
        #expect(try decoded(bytes) == message)
    }

    @Test func theOtherMessagesLookAsTheDocumentationSays() throws {
        let examples: [(ControlMessage, String)] = [
            (.probe(7), "05 03 01 01 07"),
            (.probeReply(7), "06 03 01 01 07"),
            (
                .refusal(Refusal(reason: .policy, text: "no", heldSince: 16_384)),
                "03 0d 01 01 04 02 02 6e 6f 03 04 80 00 40 00"
            ),
            (
                .goingAway(GoingAway(reason: "hi", comeBackAfter: .seconds(1), relaysMayTake: .seconds(30))),
                "04 0e 01 02 68 69 02 02 43 e8 03 04 80 00 75 30"
            ),
            (
                .welcome(
                    Welcome(
                        version: 1,
                        software: "L",
                        uid: try ClientUID("c"),
                        session: try WarpSamples.session(),
                        capabilities: .tcpRelays,
                        silenceLimit: .milliseconds(63)
                    )
                ),
                """
                02 21
                01 01 01
                02 01 4c
                03 01 63
                04 10 10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f
                05 01 01
                06 01 3f
                """
            ),
        ]
        for (message, hex) in examples {
            #expect(encoded(message) == (try WarpSamples.bytes(hex)), "\(message)")
            #expect(try decoded(WarpSamples.bytes(hex)) == message)
        }
    }

    @Test func whatIsEncodedIsDecoded() throws {
        for message in try WarpSamples.controlMessages() {
            #expect(try decoded(encoded(message)) == message)
        }
    }

    @Test func membersAreJudgedOneByOne() throws {
        let damage = WarpMemberDamage { try #require(try ControlMessage($0)) }
        for message in try WarpSamples.controlMessages() {
            if case .refusal = message {
                try damage.check(message, encoded(message), optional: [3])
            } else {
                try damage.check(message, encoded(message))
            }
        }
    }

    @Test(arguments: [0, 7, 63, 64, (1 << 62) - 1] as [UInt64])
    func aFrameOfAnUnknownTypeIsNoMessage(type: UInt64) throws {
        // Nor are its members looked at.
        #expect(try ControlMessage(Frame(type: type, payload: ByteBuffer(repeating: 0xff, count: 3))) == nil)
    }

    @Test(arguments: [0, 7, (1 << 62) - 1] as [UInt64])
    func aRefusalForAnUnknownReasonIsOneOfPolicy(reason: UInt64) throws {
        let frame = WarpSamples.frame(type: 3, [.integer(1, reason), .text(2, "because")])
        #expect(try ControlMessage(frame) == .refusal(Refusal(reason: .policy, text: "because")))
    }

    @Test(arguments: [15, 17])
    func anIdentifierHasSixteenBytes(count: Int) throws {
        let value = [UInt8](repeating: 7, count: count)
        var members = try WarpSamples.members(of: WarpSamples.frame(encoded(.hello(WarpSamples.hello()))))
        members[2].value = value
        let hello = WarpSamples.frame(type: 1, members)
        #expect(throws: WarpCodingError.malformedMember(key: 3)) { try ControlMessage(hello) }
        members = try WarpSamples.members(of: WarpSamples.frame(encoded(.welcome(WarpSamples.welcome()))))
        members[3].value = value
        let welcome = WarpSamples.frame(type: 2, members)
        #expect(throws: WarpCodingError.malformedMember(key: 4)) { try ControlMessage(welcome) }
        #expect(InstanceID(value) == nil)
        #expect(SessionID(value) == nil)
    }

    @Test func identifiersAreShownInHexadecimal() throws {
        #expect("\(try WarpSamples.instance())" == "000102030405060708090a0b0c0d0e0f")
        #expect("\(try WarpSamples.session())" == "101112131415161718191a1b1c1d1e1f")
    }

    @Test func aClientUIDKeepsItsRules() throws {
        var members = try WarpSamples.members(of: WarpSamples.frame(encoded(.welcome(WarpSamples.welcome()))))
        let cases: [([UInt8], WarpCodingError)] = [
            ([], .badClientUID(.empty)),
            ([0x61, 0x0a], .badClientUID(.controlCharacter)),
            ([0x20, 0x61], .badClientUID(.surroundingWhitespace)),
            ([0xff], .malformedMember(key: 3)),
            ([UInt8](repeating: 0x61, count: 256), .malformedMember(key: 3)),
        ]
        for (value, error) in cases {
            members[2].value = value
            let frame = WarpSamples.frame(type: 2, members)
            #expect(throws: error) { try ControlMessage(frame) }
        }
        members[2].value = [UInt8](repeating: 0x61, count: 255)
        #expect(try ControlMessage(WarpSamples.frame(type: 2, members)) != nil)
    }

    @Test func aPeersTextsAreBounded() throws {
        let hello = try WarpSamples.members(of: WarpSamples.frame(encoded(.hello(WarpSamples.hello()))))
        let welcome = try WarpSamples.members(of: WarpSamples.frame(encoded(.welcome(WarpSamples.welcome()))))
        let cases: [(UInt64, [Member], Int, Int)] = [
            (1, hello, 1, 64),
            (2, welcome, 1, 64),
            (3, [.integer(1, 1), .text(2, "")], 1, 512),
            (4, [.text(1, ""), .integer(2, 0), .integer(3, 0)], 0, 512),
        ]
        for (type, members, index, limit) in cases {
            var members = members
            members[index].value = [UInt8](repeating: 0x61, count: limit)
            #expect(try ControlMessage(WarpSamples.frame(type: type, members)) != nil)
            members[index].value.append(0x61)
            let frame = WarpSamples.frame(type: type, members)
            #expect(throws: WarpCodingError.malformedMember(key: members[index].key)) { try ControlMessage(frame) }
        }
    }

    @Test func ourOwnTextsAreCutAtACharacter() throws {
        let software = String(repeating: "ü", count: 40)
        let hello = Hello(version: 1, software: software, instance: try WarpSamples.instance(), capabilities: [])
        #expect(hello.software == String(repeating: "ü", count: 32))
        #expect(try decoded(encoded(.hello(hello))) == .hello(hello))
        let refusal = Refusal(reason: .policy, text: "a" + String(repeating: "ü", count: 300))
        #expect(refusal.text == "a" + String(repeating: "ü", count: 255))
        #expect(try decoded(encoded(.refusal(refusal))) == .refusal(refusal))
        let reason = String(repeating: "👩‍👩‍👧", count: 100)
        let goingAway = GoingAway(reason: reason, comeBackAfter: .zero, relaysMayTake: .zero)
        #expect(goingAway.reason == String(repeating: "👩‍👩‍👧", count: 28))
        #expect(try decoded(encoded(.goingAway(goingAway))) == .goingAway(goingAway))
        // A single character may be longer than any bound.
        let endless = "e" + String(repeating: "\u{301}", count: 1000)
        #expect(Refusal(reason: .policy, text: endless).text.isEmpty)
    }

    @Test func durationsAreWholeMillisecondsWithinBounds() throws {
        let limit = TimeAmount.milliseconds((1 << 31) - 1)
        let cases: [(TimeAmount, TimeAmount)] = [
            (.zero, .zero),
            (.nanoseconds(-1), .zero),
            (.hours(-1), .zero),
            (.nanoseconds(.min), .zero),
            (.microseconds(1999), .milliseconds(1)),
            (limit, limit),
            (limit + .milliseconds(1), limit),
            (.nanoseconds(.max), limit),
        ]
        for (given, expected) in cases {
            let message = ControlMessage.goingAway(GoingAway(reason: "", comeBackAfter: given, relaysMayTake: given))
            let received = GoingAway(reason: "", comeBackAfter: expected, relaysMayTake: expected)
            #expect(try decoded(encoded(message)) == .goingAway(received))
        }
        for milliseconds in [1 << 31, (1 << 62) - 1] as [UInt64] {
            let frame = WarpSamples.frame(
                type: 4,
                [.text(1, ""), .integer(2, milliseconds), .integer(3, milliseconds)]
            )
            let expected = GoingAway(reason: "", comeBackAfter: limit, relaysMayTake: limit)
            #expect(try ControlMessage(frame) == .goingAway(expected))
        }
    }

    @Test func capabilitiesThatWeDoNotKnowStay() throws {
        let unknown: Capabilities = [.tcpRelays, Capabilities(rawValue: 1 << 61)]
        let hello = Hello(version: 2, software: "", instance: try WarpSamples.instance(), capabilities: unknown)
        #expect(try decoded(encoded(.hello(hello))) == .hello(hello))
    }

    @Test func reasonsSayWhetherToTryAgainAndWithWhichCodeToClose() {
        let expected: [(UInt64, Bool, ApplicationErrorCode)] = [
            (1, true, .clientUIDInUse),
            (2, false, .notAdmitted),
            (3, true, .admissionUnavailable),
            (4, false, .notAdmitted),
            (5, false, .notAdmitted),
            (6, true, .shuttingDown),
        ]
        #expect(RefusalReason.allCases.count == expected.count)
        for (number, isWorthRetrying, code) in expected {
            let reason = RefusalReason(rawValue: number)
            #expect(reason?.isWorthRetrying == isWorthRetrying)
            #expect(reason?.code == code)
        }
    }

    @Test func aHundredThousandDamagedMessagesAreJudgedWithoutTrapping() throws {
        let samples = try WarpSamples.controlMessages().map(encoded)
        var garbage = WarpGarbage(seed: 31, samples: samples)
        var (accepted, refused, unknown, tooLong, changed) = (0, 0, 0, 0, 0)
        for _ in 0..<100_000 {
            var reader = FrameReader()
            reader.append(garbage.next())
            do throws(WarpCodingError) {
                while let frame = try reader.next() {
                    guard let message = try ControlMessage(frame) else {
                        unknown += 1
                        continue
                    }
                    accepted += 1
                    // One in eight, for the time that it takes.
                    guard accepted.isMultiple(of: 8) else { continue }
                    var second = FrameReader()
                    second.append(encoded(message))
                    guard let again = try second.next(), try ControlMessage(again) == message else {
                        changed += 1
                        continue
                    }
                }
            } catch {
                if case .frameTooLong = error { tooLong += 1 } else { refused += 1 }
            }
        }
        #expect(changed == 0)
        #expect(accepted > 10_000)
        #expect(refused > 10_000)
        #expect(unknown > 1000)
        #expect(tooLong > 1000)
    }
}
