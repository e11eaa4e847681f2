import NIOCore
import Shared
import Testing

@Suite("FrameReader")
struct FrameReaderTests {
    private func reader(_ hex: String) throws -> FrameReader {
        var reader = FrameReader()
        reader.append(try WarpSamples.bytes(hex))
        return reader
    }

    @Test func theExampleOfTheDocumentationIsRead() throws {
        var reader = try reader("05 03 01 01 07")
        let frame = try #require(try reader.next())
        #expect(frame == Frame(type: 5, payload: ByteBuffer(bytes: [1, 1, 7])))
        #expect(try reader.next() == nil)
        #expect(frame.encoded(allocator: WarpSamples.allocator) == (try WarpSamples.bytes("05 03 01 01 07")))
    }

    @Test func nothingIsNoFrame() throws {
        var reader = FrameReader()
        #expect(try reader.next() == nil)
        #expect(reader.takeRest().readableBytes == 0)
    }

    @Test func aFrameMayBeEmpty() throws {
        var reader = try reader("00 00")
        #expect(try reader.next() == Frame(type: 0, payload: ByteBuffer()))
    }

    @Test func integersMayTakeMoreRoomThanTheyNeed() throws {
        var reader = try reader("40 05 80 00 00 03 01 01 07")
        #expect(try reader.next() == Frame(type: 5, payload: ByteBuffer(bytes: [1, 1, 7])))
    }

    @Test func framesAreReadInOrderAndTheRestIsHandedOver() throws {
        var reader = try reader("01 01 aa 02 00 ff ff ff ff")
        #expect(try reader.next() == Frame(type: 1, payload: ByteBuffer(bytes: [0xaa])))
        #expect(try reader.next() == Frame(type: 2, payload: ByteBuffer()))
        #expect(reader.takeRest() == ByteBuffer(repeating: 0xff, count: 4))
        #expect(reader.takeRest().readableBytes == 0)
        #expect(try reader.next() == nil)
        reader.append(try WarpSamples.bytes("03 01 bb"))
        #expect(try reader.next() == Frame(type: 3, payload: ByteBuffer(bytes: [0xbb])))
    }

    @Test func anIncompleteFrameIsPartOfTheRest() throws {
        var reader = try reader("01 01 aa 02 05 01")
        #expect(try reader.next() != nil)
        #expect(try reader.next() == nil)
        #expect(reader.takeRest() == (try WarpSamples.bytes("02 05 01")))
    }

    @Test func everyTruncationOfEveryMessageAsksForMore() throws {
        for bytes in try WarpSamples.encoded() {
            for count in 0..<bytes.readableBytes {
                var reader = FrameReader()
                let part = try #require(bytes.getSlice(at: bytes.readerIndex, length: count))
                reader.append(part)
                #expect(try reader.next() == nil)
                #expect(reader.takeRest() == part)
            }
        }
    }

    @Test func whatArrivesByteByByteIsTheSame() throws {
        let messages = try WarpSamples.encoded()
        var reader = FrameReader()
        var frames: [Frame] = []
        for byte in messages.flatMap({ Array(buffer: $0) }) {
            reader.append(ByteBuffer(bytes: [byte]))
            if let frame = try reader.next() {
                frames.append(frame)
            }
        }
        #expect(frames == (try messages.map(WarpSamples.frame)))
        #expect(reader.takeRest().readableBytes == 0)
    }

    @Test(arguments: [2, 3, 7, 64, 1000])
    func whatArrivesInPiecesIsTheSame(size: Int) throws {
        let messages = try WarpSamples.encoded()
        var rest = ByteBuffer(bytes: messages.flatMap { Array(buffer: $0) })
        var reader = FrameReader()
        var frames: [Frame] = []
        while let piece = rest.readSlice(length: min(size, rest.readableBytes)), piece.readableBytes > 0 {
            reader.append(piece)
            while let frame = try reader.next() {
                frames.append(frame)
            }
        }
        #expect(frames == (try messages.map(WarpSamples.frame)))
    }

    @Test func aPayloadOfTheGreatestLengthIsRead() throws {
        let frame = Frame(type: 9, payload: ByteBuffer(repeating: 1, count: 4096))
        let bytes = frame.encoded(allocator: WarpSamples.allocator)
        #expect(bytes.readableBytes == 1 + 2 + 4096)
        var reader = FrameReader()
        reader.append(bytes)
        #expect(try reader.next() == frame)
    }

    @Test(arguments: [
        ("01 50 01", 4097),
        ("01 80 00 10 01", 4097),
        ("01 ff ff ff ff ff ff ff ff", (1 << 62) - 1),
    ])
    func aLongerOneIsAnErrorBeforeItArrives(hex: String, bytes: UInt64) throws {
        var reader = try reader(hex)
        #expect(throws: WarpCodingError.frameTooLong(bytes: bytes)) { try reader.next() }
        // The stream cannot be followed any more, whatever comes.
        reader.append(try WarpSamples.bytes("05 03 01 01 07"))
        #expect(throws: WarpCodingError.frameTooLong(bytes: bytes)) { try reader.next() }
    }

    @Test func theFramesAheadOfAnErrorAreRead() throws {
        var reader = try reader("02 00 01 50 01")
        #expect(try reader.next() == Frame(type: 2, payload: ByteBuffer()))
        #expect(throws: WarpCodingError.frameTooLong(bytes: 4097)) { try reader.next() }
    }

    @Test func anotherBoundHolds() throws {
        var reader = FrameReader(maximumPayloadBytes: 2)
        reader.append(try WarpSamples.bytes("01 02 aa bb 01 03"))
        #expect(try reader.next() == Frame(type: 1, payload: ByteBuffer(bytes: [0xaa, 0xbb])))
        #expect(throws: WarpCodingError.frameTooLong(bytes: 3)) { try reader.next() }
    }

    @Test func aFrameReadEarlierDoesNotChange() throws {
        var reader = try reader("01 02 aa bb 02")
        let frame = try #require(try reader.next())
        for _ in 0..<100 {
            reader.append(try WarpSamples.bytes("00 02"))
            _ = try reader.next()
        }
        #expect(frame == Frame(type: 1, payload: ByteBuffer(bytes: [0xaa, 0xbb])))
    }
}
