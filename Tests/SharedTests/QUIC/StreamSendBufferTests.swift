import NIOCore
import TestSupport
import Testing

@testable import Shared

@Suite("StreamSendBuffer")
struct StreamSendBufferTests {
    @Test func anEmptyBufferHasNothingToSend() {
        var buffer = StreamSendBuffer()
        buffer.append(ByteBuffer())
        #expect(buffer.unsentBytes == 0)
        #expect(buffer.isEverythingAcknowledged)
        #expect(buffer.unsent(bytes: 100).isEmpty)
    }

    @Test func piecesComeInOrderAndTellWhetherTheyAreAll() {
        var buffer = StreamSendBuffer()
        buffer.append(ByteBuffer(string: "ab"))
        buffer.append(ByteBuffer(string: "cdef"))
        buffer.append(ByteBuffer(string: "g"))
        #expect(buffer.unsent(bytes: 1) == Array("ab".utf8))
        #expect(!buffer.areAllGathered(bytes: 1))
        #expect(!buffer.areAllGathered(bytes: 6))
        #expect(buffer.areAllGathered(bytes: 7))
        buffer.advanceSent(3)
        #expect(buffer.unsent(bytes: 100) == Array("defg".utf8))
        buffer.advanceSent(4)
        #expect(buffer.unsentBytes == 0)
        #expect(!buffer.isEverythingAcknowledged)
        buffer.acknowledge(upTo: 7)
        #expect(buffer.isEverythingAcknowledged)
    }

    @Test func aChunkCountsWholeUntilItsLastByteIsSent() {
        var buffer = StreamSendBuffer()
        var large = ByteBufferAllocator().buffer(capacity: 4096)
        large.writeString("abc")
        buffer.append(large)
        buffer.append(ByteBuffer(repeating: 0, count: 1024))
        #expect(buffer.unsentStorageBytes == 5120)
        buffer.advanceSent(2)
        #expect(buffer.unsentStorageBytes == 5120)
        buffer.advanceSent(1)
        #expect(buffer.unsentStorageBytes == 1024)
        buffer.advanceSent(1000)
        buffer.acknowledge(upTo: 1003)
        #expect(buffer.unsentStorageBytes == 1024)
        buffer.discardUnsent()
        #expect(buffer.unsentStorageBytes == 0)
    }

    @Test func anOldAcknowledgementChangesNothing() {
        var buffer = StreamSendBuffer()
        buffer.append(ByteBuffer(string: "abcdef"))
        buffer.advanceSent(6)
        buffer.acknowledge(upTo: 4)
        buffer.acknowledge(upTo: 2)
        #expect(buffer.acknowledgedOffset == 4)
    }

    @Test func whatWasNotSentIsDiscardedAndTheRestKept() {
        for sent in 0...6 {
            var buffer = StreamSendBuffer()
            buffer.append(ByteBuffer(string: "abc"))
            buffer.append(ByteBuffer(string: "def"))
            buffer.advanceSent(sent)
            buffer.discardUnsent()
            #expect(buffer.unsentBytes == 0)
            #expect(buffer.unsent(bytes: 10).isEmpty)
            #expect(buffer.isEverythingAcknowledged == (sent == 0))
            buffer.acknowledge(upTo: UInt64(sent))
            #expect(buffer.isEverythingAcknowledged)
        }
    }

    @Test func morePiecesThanOnePacketTakesComeInTurns() {
        var buffer = StreamSendBuffer()
        for byte in 0..<100 as Range<UInt8> {
            buffer.append(ByteBuffer(bytes: [byte]))
        }
        #expect(buffer.unsent(bytes: 1000) == Array(0..<16))
        #expect(!buffer.areAllGathered(bytes: 1000))
        buffer.advanceSent(95)
        #expect(buffer.unsent(bytes: 1000) == Array(95..<100))
        #expect(buffer.areAllGathered(bytes: 1000))
    }

    @Test func shortPiecesCostWhatHoldsThem() {
        var buffer = StreamSendBuffer()
        #expect(buffer.unsentCostBytes == 0)
        for _ in 0..<10 {
            buffer.append(ByteBuffer(bytes: [0]))
        }
        #expect(buffer.unsentCostBytes == 10 * StreamSendBuffer.minimumChunkBytes)
        buffer.advanceSent(9)
        #expect(buffer.unsentCostBytes == StreamSendBuffer.minimumChunkBytes)
        buffer.append(ByteBuffer(repeating: 0, count: 1000))
        #expect(buffer.unsentCostBytes == 1001)
        buffer.advanceSent(1001)
        #expect(buffer.unsentCostBytes == 0)
    }

    @Test(arguments: 1...10 as ClosedRange<UInt64>)
    func behavesLikeAnArray(seed: UInt64) {
        var generator = SplitMix64(state: seed)
        var buffer = StreamSendBuffer()
        var model: [UInt8] = []
        var sent = 0
        var acknowledged = 0
        for _ in 0..<500 {
            switch generator.next(upperBound: UInt64(3)) {
            case 0:
                let count = Int(generator.next(upperBound: UInt64(200)))
                let bytes = (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
                // A slice of a larger buffer, as a reader hands over.
                var slice = ByteBuffer(bytes: [0xaa, 0xbb] + bytes + [0xcc])
                slice.moveReaderIndex(forwardBy: 2)
                slice.moveWriterIndex(to: slice.writerIndex - 1)
                buffer.append(slice)
                model += bytes
            case 1:
                let most = 1 + Int(generator.next(upperBound: UInt64(400)))
                let unsent = buffer.unsent(bytes: most)
                #expect(unsent.elementsEqual(model[sent...].prefix(unsent.count)))
                #expect(unsent.isEmpty == (sent == model.count))
                let count = Int(generator.next(upperBound: UInt64(unsent.count + 1)))
                buffer.advanceSent(count)
                sent += count
            default:
                let target = acknowledged + Int(generator.next(upperBound: UInt64(sent - acknowledged + 1)))
                buffer.acknowledge(upTo: UInt64(target))
                acknowledged = target
            }
            let offsets = [buffer.acknowledgedOffset, buffer.sentOffset, buffer.endOffset]
            #expect(offsets == [acknowledged, sent, model.count].map { UInt64($0) })
            #expect(buffer.unsentBytes == model.count - sent)
            #expect(buffer.isEverythingAcknowledged == (acknowledged == model.count))
        }
    }
}

// Tests may not import CQuic, so the pieces are read as what they are: an address and a length each.
extension StreamSendBuffer {
    fileprivate func unsent(bytes: Int) -> [UInt8] {
        gather(bytes: bytes).bytes
    }

    fileprivate func areAllGathered(bytes: Int) -> Bool {
        gather(bytes: bytes).areAll
    }

    private func gather(bytes: Int) -> (bytes: [UInt8], areAll: Bool) {
        withVectors { vectors in
            let (count, areAll) = unsentVectors(vectors, bytes: bytes)
            let words = UnsafeRawBufferPointer(vectors).bindMemory(to: UInt.self)
            var gathered: [UInt8] = []
            for index in 0..<count {
                let base = UnsafeRawPointer(bitPattern: words[2 * index])
                gathered += UnsafeRawBufferPointer(start: base, count: Int(words[2 * index + 1]))
            }
            return (gathered, areAll)
        }
    }

    private func withVectors<Vector, Result>(_ body: (UnsafeMutableBufferPointer<Vector>) -> Result) -> Result {
        withUnsafeTemporaryAllocation(of: Vector.self, capacity: Self.maximumVectors, body)
    }
}
