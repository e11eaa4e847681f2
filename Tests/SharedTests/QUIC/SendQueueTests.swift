import NIOCore
import Testing

@testable import Shared

struct SendQueueTests {
    @Test func bulkTakesTurns() {
        var queue = SendQueue()
        let (one, other) = (stream(1, bytes: 1 << 20), stream(2, bytes: 1 << 20))
        queue.append(one)
        queue.append(other)
        #expect(turns(&queue, bytes: 16 * 1024, count: 6) == [1, 1, 2, 2, 1, 1])
    }

    @Test func aMessageOvertakesBulk() {
        var queue = SendQueue()
        queue.append(stream(1, bytes: 1 << 20))
        _ = turns(&queue, bytes: 1000, count: 3)
        queue.append(stream(2, bytes: 64))
        queue.append(stream(3, bytes: 64))
        #expect(turns(&queue, bytes: 1000, count: 3) == [2, 3, 1])
    }

    @Test func bulkThatIsHeldGoesOnWithItsTurn() {
        var queue = SendQueue()
        queue.append(stream(1, bytes: 1 << 20))
        queue.append(stream(2, bytes: 1 << 20))
        #expect(turns(&queue, bytes: 16 * 1024, count: 1) == [1])
        queue.append(stream(3, bytes: 64))
        queue.holdsBulk = true
        #expect(!queue.hasSecond)
        #expect(turns(&queue, bytes: 16 * 1024, count: 3) == [3])
        #expect(!queue.isEmpty)
        queue.holdsBulk = false
        #expect(queue.hasSecond)
        #expect(turns(&queue, bytes: 16 * 1024, count: 4) == [1, 2, 2, 1])
    }

    @Test func evenBulkThatIsHeldGetsItsTurnAmongManyMessages() {
        var queue = SendQueue()
        queue.append(stream(0, bytes: 1 << 20))
        for id in 1...40 {
            queue.append(stream(id, bytes: 64))
        }
        queue.holdsBulk = true
        let order = turns(&queue, bytes: 1000, count: 100)
        #expect(order.firstIndex(of: 0) == 16)
        #expect(order.count { $0 == 0 } == 2)
        #expect(order.count == 42)
    }

    @Test func bulkGetsItsTurnAmongManyMessages() {
        var queue = SendQueue()
        queue.append(stream(0, bytes: 1 << 20))
        for id in 1...100 {
            queue.append(stream(id, bytes: 64))
        }
        let order = turns(&queue, bytes: 1000, count: 40)
        #expect(order.firstIndex(of: 0) == 16)
        #expect(order.count { $0 == 0 } == 2)
    }

    @Test func aStreamWithNothingLeftLeaves() {
        var queue = SendQueue()
        let only = stream(1, bytes: 2000)
        queue.append(only)
        #expect(turns(&queue, bytes: 1000, count: 3) == [1, 1])
        #expect(queue.isEmpty)
        #expect(!only.isInSendQueue)
    }

    @Test func anyStreamCanBeRemoved() {
        var queue = SendQueue()
        let streams = [
            stream(1, bytes: 1 << 20), stream(2, bytes: 1 << 20), stream(3, bytes: 64), stream(4, bytes: 64),
        ]
        streams.forEach { queue.append($0) }
        queue.remove(streams[1])
        queue.remove(streams[3])
        #expect(queue.count == 2)
        #expect(turns(&queue, bytes: 1000, count: 2) == [3, 1])
        #expect(!streams[1].isInSendQueue)
    }

    private func stream(_ id: Int64, bytes: Int) -> QUICStream {
        let stream = QUICStream(id: QUICStreamID(id), window: StreamWindow(byteCount: 1, maximumByteCount: 1))
        stream.sendBuffer.append(ByteBuffer(repeating: 0, count: bytes))
        return stream
    }

    private func stream(_ id: Int, bytes: Int) -> QUICStream {
        stream(Int64(id), bytes: bytes)
    }

    /// Fills at most `count` packets and says of whose bytes.
    private func turns(_ queue: inout SendQueue, bytes: Int, count: Int) -> [Int64] {
        var order: [Int64] = []
        while order.count < count, let stream = queue.first {
            let taken = min(bytes, stream.sendBuffer.unsentBytes)
            stream.sendBuffer.advanceSent(taken)
            queue.sent(taken, of: stream)
            order.append(stream.id.rawValue)
        }
        return order
    }
}
