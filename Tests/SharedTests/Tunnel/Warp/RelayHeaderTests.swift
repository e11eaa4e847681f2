import NIOCore
import Shared
import Testing

@Suite("RelayHeader")
struct RelayHeaderTests {
    private func encoded(_ header: RelayHeader) -> ByteBuffer {
        header.encoded(allocator: WarpSamples.allocator)
    }

    private func header(relayID: UInt64 = 7, host: String, port: UInt64) throws -> RelayHeader {
        try RelayHeader(
            WarpSamples.frame(type: 1, [.integer(1, relayID), .text(2, host), .integer(3, port)])
        )
    }

    @Test func theExampleOfTheDocumentationIsEncodedAndDecoded() throws {
        let bytes = try WarpSamples.bytes(
            """
            01 13
            01 01 07
            02 0a 64 62 2e 65 78 61 6d 70 6c 65
            03 02 55 38
            """
        )
        let target = try TargetAddress(host: "db.example", port: 5432)
        let header = RelayHeader(kind: .tcp, relayID: 7, target: target)
        #expect(encoded(header) == bytes)
        #expect(try RelayHeader(WarpSamples.frame(bytes)) == header)
    }

    @Test func whatIsEncodedIsDecoded() throws {
        for header in try WarpSamples.relayHeaders() {
            #expect(try RelayHeader(WarpSamples.frame(encoded(header))) == header)
        }
    }

    @Test func theVisitorsBytesFollow() throws {
        let header = try #require(try WarpSamples.relayHeaders().first)
        var bytes = encoded(header)
        bytes.writeString("GET / HTTP/1.1")
        var reader = FrameReader()
        reader.append(bytes)
        #expect(try RelayHeader(#require(try reader.next())) == header)
        #expect(reader.takeRest() == ByteBuffer(string: "GET / HTTP/1.1"))
    }

    @Test func membersAreJudgedOneByOne() throws {
        let damage = WarpMemberDamage { try RelayHeader($0) }
        for header in try WarpSamples.relayHeaders() {
            try damage.check(header, encoded(header))
        }
    }

    @Test(arguments: [0, 2, 3, 4, (1 << 62) - 1] as [UInt64])
    func anUnknownKindIsNamedWhateverTheMembersAre(kind: UInt64) {
        let frame = Frame(type: kind, payload: ByteBuffer(repeating: 0xff, count: 3))
        #expect(throws: WarpCodingError.unsupportedRelayKind(kind)) { try RelayHeader(frame) }
    }

    @Test func theErrorTellsWhatIsWrongWithTheTarget() {
        let cases: [(String, UInt64, WarpCodingError)] = [
            ("", 80, .badTarget(.hostEmpty)),
            ("a b", 80, .badTarget(.hostContainsForbiddenCharacter)),
            ("a\n", 80, .badTarget(.hostContainsForbiddenCharacter)),
            ("a:b", 80, .badTarget(.malformedIPv6)),
            ("a]", 80, .badTarget(.malformedIPv6)),
            // The wire has no brackets.
            ("[::1]", 80, .malformedMember(key: 2)),
            (String(repeating: "a", count: 254), 80, .malformedMember(key: 2)),
            ("a", 0, .badTarget(.portOutOfRange)),
            ("a", 65_536, .badTarget(.portOutOfRange)),
            ("a", (1 << 62) - 1, .badTarget(.portOutOfRange)),
        ]
        for (host, port, error) in cases {
            #expect(throws: error, "\(host) \(port)") { try header(host: host, port: port) }
        }
    }

    @Test func aHundredThousandDamagedHeadersAreJudgedWithoutTrapping() throws {
        var garbage = WarpGarbage(seed: 32, samples: try WarpSamples.relayHeaders().prefix(2).map(encoded))
        var (accepted, refused, unsupported, changed) = (0, 0, 0, 0)
        for _ in 0..<100_000 {
            var reader = FrameReader()
            reader.append(garbage.next())
            do throws(WarpCodingError) {
                guard let frame = try reader.next() else { continue }
                let header = try RelayHeader(frame)
                accepted += 1
                // One in eight, for the time that it takes.
                guard accepted.isMultiple(of: 8) else { continue }
                var second = FrameReader()
                second.append(encoded(header))
                guard let again = try second.next(), try RelayHeader(again) == header else {
                    changed += 1
                    continue
                }
            } catch {
                if case .unsupportedRelayKind = error { unsupported += 1 } else { refused += 1 }
            }
        }
        #expect(changed == 0)
        #expect(accepted > 10_000)
        #expect(refused > 10_000)
        #expect(unsupported > 1000)
    }
}
