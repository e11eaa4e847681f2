import NIOCore
import Shared
import TestSupport
import Testing

@Suite("OriginalStreamHeader")
struct OriginalStreamHeaderTests {
    private func header(_ text: String) -> ByteBuffer {
        var buffer = ByteBuffer(string: text)
        buffer.writeRepeatingByte(0, count: max(0, OriginalStreamHeader.byteCount - buffer.readableBytes))
        return buffer
    }

    @Test func theExampleOfTheDocumentationIsEncodedSo() throws {
        let header = OriginalStreamHeader(relayID: "0-0", target: try TargetAddress(host: "::1", port: 80))
        let bytes = Array(header.encoded(allocator: ByteBufferAllocator()).readableBytesView)
        #expect(bytes.count == 1024)
        #expect(bytes.prefix(12) == [0x30, 0x2d, 0x30, 0x7c, 0x5b, 0x3a, 0x3a, 0x31, 0x5d, 0x3a, 0x38, 0x30])
        #expect(bytes.dropFirst(12).allSatisfy { $0 == 0 })
    }

    @Test(arguments: ["localhost", "10.0.0.1", "::1", "fe80::1:2", String(repeating: "a", count: 253)])
    func whatIsEncodedIsDecoded(host: String) throws {
        for port in [1, 80, 65_535] as [UInt16] {
            let original = OriginalStreamHeader(relayID: "7-42", target: try TargetAddress(host: host, port: port))
            let decoded = try OriginalStreamHeader(decoding: original.encoded(allocator: ByteBufferAllocator()))
            #expect(decoded == original)
        }
    }

    @Test func zeroBytesAreDroppedWhereverTheyStand() throws {
        var buffer = ByteBuffer(string: "1-\u{0}2|local\u{0}host:\u{0}80")
        buffer.writeRepeatingByte(0, count: OriginalStreamHeader.byteCount - buffer.readableBytes)
        let decoded = try OriginalStreamHeader(decoding: buffer)
        #expect(decoded.relayID == "1-2")
        #expect(decoded.target == (try TargetAddress(host: "localhost", port: 80)))
    }

    @Test(arguments: [0, 1, 1023, 1025, 4096])
    func anyOtherLengthIsRefused(count: Int) {
        #expect(throws: OriginalStreamHeaderError.wrongLength) {
            try OriginalStreamHeader(decoding: ByteBuffer(repeating: 0, count: count))
        }
    }

    @Test func theErrorTellsWhatIsWrong() {
        let cases: [(String, OriginalStreamHeaderError)] = [
            ("", .notTwoParts),
            ("0-0 localhost:80", .notTwoParts),
            ("0-0|localhost:80|", .notTwoParts),
            ("0-0|localhost", .badTarget(.portMissing)),
            ("0-0|localhost:0", .badTarget(.portOutOfRange)),
            ("0-0|localhost:65536", .badTarget(.portOutOfRange)),
            ("0-0|:80", .badTarget(.hostEmpty)),
            ("0-0|a b:80", .badTarget(.hostContainsForbiddenCharacter)),
            ("0-0|[::1:80", .badTarget(.malformedIPv6)),
        ]
        for (text, error) in cases {
            #expect(throws: error, "\(text)") { try OriginalStreamHeader(decoding: header(text)) }
        }
        var notUTF8 = ByteBuffer(bytes: [0x30, 0x7c, 0xff, 0xfe])
        notUTF8.writeRepeatingByte(0, count: OriginalStreamHeader.byteCount - 4)
        #expect(throws: OriginalStreamHeaderError.notUTF8) { try OriginalStreamHeader(decoding: notUTF8) }
    }

    @Test func aHundredThousandDamagedHeadersAreJudgedWithoutTrapping() {
        var generator = SplitMix64(state: 21)
        let alphabet = Array("0123456789|:[].-abc\u{0}".utf8) + [0xff, 0xc3]
        var accepted = 0
        var unexpected = 0
        for round in 0..<100_000 {
            let length = Int(generator.next(upperBound: UInt64(40)))
            var bytes = (0..<length).map { _ in alphabet[Int(generator.next(upperBound: UInt64(alphabet.count)))] }
            if round.isMultiple(of: 3) {
                bytes = Array("0-0|host:80".utf8.prefix(length))
            }
            // One in sixteen is whole: a debug build takes a millisecond for each of those.
            let isWhole = round.isMultiple(of: 16)
            if isWhole {
                bytes.append(contentsOf: [UInt8](repeating: 0, count: OriginalStreamHeader.byteCount - bytes.count))
            }
            do throws(OriginalStreamHeaderError) {
                let header = try OriginalStreamHeader(decoding: ByteBuffer(bytes: bytes))
                accepted += 1
                if header.target.port == 0 || header.target.host.isEmpty { unexpected += 1 }
            } catch {
                if isWhole == (error == .wrongLength) { unexpected += 1 }
            }
        }
        #expect(unexpected == 0)
        #expect(accepted > 1000)
    }
}
