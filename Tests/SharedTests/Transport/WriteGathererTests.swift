import NIOCore
import Shared
import TestSupport
import Testing

@Suite("WriteGatherer")
struct WriteGathererTests {
    private static let large = WriteGatherer.writeBytes
    private var writes = WriteGatherer()

    @Test mutating func whatComesWhenNothingWaitsIsWrittenAtOnce() {
        #expect(writes.isEmpty)
        #expect(writes.add(ByteBuffer(string: "a")) == ByteBuffer(string: "a"))
        #expect(!writes.isEmpty)
        #expect(writes.wrote(1) == nil)
        #expect(writes.isEmpty)
    }

    @Test mutating func shortPiecesThatComeMeanwhileAreWrittenTogether() {
        #expect(writes.add(ByteBuffer(string: "abc")) != nil)
        #expect(writes.add(ByteBuffer(string: "d")) == nil)
        #expect(writes.add(ByteBuffer(string: "ef")) == nil)
        #expect(writes.wrote(2) == nil)
        #expect(writes.wrote(1) == ByteBuffer(string: "def"))
        #expect(!writes.isEmpty)
        #expect(writes.wrote(3) == nil)
        #expect(writes.isEmpty)
    }

    @Test mutating func aLongPieceWaitsForNobody() {
        let piece = ByteBuffer(repeating: 1, count: Self.large)
        #expect(writes.add(ByteBuffer(string: "a")) != nil)
        #expect(writes.add(piece) == piece)
        #expect(writes.wrote(1 + Self.large) == nil)
        #expect(writes.isEmpty)
    }

    @Test mutating func aLongPieceBehindShortOnesTakesThemAlong() {
        #expect(writes.add(ByteBuffer(string: "a")) != nil)
        #expect(writes.add(ByteBuffer(string: "b")) == nil)
        let piece = writes.add(ByteBuffer(repeating: 1, count: Self.large))
        #expect(piece?.readableBytes == 1 + Self.large)
        #expect(writes.wrote(1) == nil)
        #expect(writes.wrote(1 + Self.large) == nil)
        #expect(writes.isEmpty)
    }

    @Test(arguments: 1...10 as ClosedRange<UInt64>)
    func everyByteIsWrittenOnceInOrderInFewPieces(seed: UInt64) throws {
        var generator = SplitMix64(state: seed)
        var writes = WriteGatherer()
        var expected = ByteBuffer()
        var written = ByteBuffer()
        var waiting: [ByteBuffer] = []
        for step in 0..<5000 {
            let isTrickle = step % 1000 < 700
            let count = 1 + Int(generator.next(upperBound: isTrickle ? 20 as UInt64 : 40_000))
            let bytes = ByteBuffer(repeating: UInt8(truncatingIfNeeded: step), count: count)
            expected.writeImmutableBuffer(bytes)
            if let piece = writes.add(bytes) {
                waiting.append(piece)
            }
            let waitingBytes = waiting.reduce(0) { $0 + $1.readableBytes }
            #expect(waiting.count <= 1 + waitingBytes / WriteGatherer.writeBytes)
            if generator.next(upperBound: 50 as UInt64) == 0 {
                writeAll(&waiting, &writes, &written)
            }
        }
        writeAll(&waiting, &writes, &written)
        #expect(writes.isEmpty)
        #expect(written == expected)
    }

    private func writeAll(_ waiting: inout [ByteBuffer], _ writes: inout WriteGatherer, _ written: inout ByteBuffer) {
        while !waiting.isEmpty {
            let piece = waiting.removeFirst()
            written.writeImmutableBuffer(piece)
            if let next = writes.wrote(piece.readableBytes) {
                waiting.append(next)
            }
        }
    }
}
