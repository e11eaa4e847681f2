import NIOCore
import NIOEmbedded
import Testing

@testable import Shared

@Suite("RelayReadAllocator")
struct RelayReadAllocatorTests {
    private let eventLoop = EmbeddedEventLoop()
    private let allowance: ReadAllowance

    init() {
        allowance = ReadAllowance(eventLoop: eventLoop)
    }

    private func unsentStorageChanges(by change: Int) {
        allowance.connectionDriven(
            unsentStorageChange: change,
            messagesUntil: QUICTime(nanoseconds: 0),
            now: QUICTime(nanoseconds: 1)
        )
    }

    private func offered(_ allocator: RelayReadAllocator) -> Int {
        allocator.buffer(allocator: ByteBufferAllocator()).capacity
    }

    @Test func readsThatFillTheirBufferGrow() {
        var allocator = allowance.allocator(after: 2048)
        var sizes: [Int] = []
        for _ in 0..<6 {
            sizes.append(offered(allocator))
            _ = allocator.record(actualReadBytes: offered(allocator))
        }
        #expect(sizes == [8192, 32_768, 131_072, 524_288, 524_288, 524_288])
    }

    @Test func twoSmallReadsMakeTheNextOneSmall() {
        var allocator = allowance.allocator(after: 1 << 20)
        _ = allocator.record(actualReadBytes: 64)
        #expect(offered(allocator) == ReadAllowance.bulkBytes)
        for _ in 0..<6 {
            _ = allocator.record(actualReadBytes: 6000)
            #expect(offered(allocator) == 8192)
        }
        _ = allocator.record(actualReadBytes: 64)
        #expect(offered(allocator) == 8192)
        _ = allocator.record(actualReadBytes: 64)
        #expect(offered(allocator) == 2048)
    }

    @Test func aSmallFirstReadThatWasFilledIsFollowedByAUsefulOne() {
        #expect(offered(allowance.allocator(after: 64)) == 2048)
    }

    @Test func readsAreSmallWhileMuchIsUnsent() {
        let allocator = allowance.allocator(after: 1 << 20)
        unsentStorageChanges(by: ReadAllowance.unsentLimitBytes)
        #expect(offered(allocator) == ReadAllowance.bulkBytes)
        unsentStorageChanges(by: 1)
        #expect(offered(allocator) == ReadAllowance.scarceBytes)
        unsentStorageChanges(by: -1)
        #expect(offered(allocator) == ReadAllowance.bulkBytes)
    }

    @Test func readsAreSmallerBesideMessages() {
        let allocator = allowance.allocator(after: 1 << 20)
        func instant(_ milliseconds: Int64) -> QUICTime { QUICTime(nanoseconds: 1) + .milliseconds(milliseconds) }
        func drive(after milliseconds: Int64, messagesUntil end: Int64?) -> Int {
            allowance.connectionDriven(
                unsentStorageChange: 0,
                messagesUntil: end.map(instant) ?? QUICTime(nanoseconds: 0),
                now: instant(milliseconds)
            )
            return offered(allocator)
        }
        #expect(drive(after: 0, messagesUntil: nil) == ReadAllowance.bulkBytes)
        #expect(drive(after: 1, messagesUntil: 101) == ReadAllowance.besideMessagesBytes)
        #expect(drive(after: 60, messagesUntil: 160) == ReadAllowance.besideMessagesBytes)
        #expect(drive(after: 61, messagesUntil: 101) == ReadAllowance.besideMessagesBytes, "another connection")
        #expect(drive(after: 160, messagesUntil: 101) == ReadAllowance.besideMessagesBytes)
        #expect(drive(after: 161, messagesUntil: 160) == ReadAllowance.bulkBytes)
    }

    // As a channel reads that reads once a turn.
    @Test func swiftNIOKeepsNoBufferButItsFirst() {
        var pool = NIOPooledRecvBufferAllocator(capacity: 1, recvAllocator: AdaptiveRecvByteBufferAllocator())
        func read() -> Int {
            let (buffer, count) = pool.buffer(allocator: ByteBufferAllocator()) { buffer in
                buffer.writeRepeatingByte(0, count: buffer.writableBytes)
            }
            pool.record(actualReadBytes: count)
            #expect(count == buffer.readableBytes)
            return count
        }
        let first = read()
        pool.recvAllocator = allowance.allocator(after: first)
        #expect([read(), read(), read(), read()] == [8192, 32_768, 131_072, 524_288])
        #expect(pool.count == 1)
        pool.recvAllocator = FixedSizeRecvByteBufferAllocator(capacity: 1)
        #expect(read() == first, "a larger buffer was kept")
    }
}
