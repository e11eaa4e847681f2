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

    private func unsentBytesChange(by change: Int) {
        allowance.connectionDriven(unsentBytesChanged: change, hadMessage: false, now: QUICTime(nanoseconds: 1))
    }

    private func offered(_ allocator: RelayReadAllocator) -> Int {
        allocator.buffer(allocator: ByteBufferAllocator()).capacity
    }

    @Test func readsThatFillTheirBufferGrowToTheBulkSize() {
        var allocator = allowance.allocator(after: 2048)
        var sizes: [Int] = []
        for _ in 0..<6 {
            sizes.append(offered(allocator))
            _ = allocator.record(actualReadBytes: offered(allocator))
        }
        #expect(sizes == [8192, 32768, 131_072, 524_288, 524_288, 524_288])
    }

    @Test func twoSmallReadsMakeTheNextOneSmall() {
        var allocator = allowance.allocator(after: 1 << 20)
        _ = allocator.record(actualReadBytes: offered(allocator))
        _ = allocator.record(actualReadBytes: 64)
        #expect(offered(allocator) == ReadAllowance.bulkBytes)
        _ = allocator.record(actualReadBytes: 5000)
        #expect(offered(allocator) == 8192)
        _ = allocator.record(actualReadBytes: 64)
        #expect(offered(allocator) == 8192)
        _ = allocator.record(actualReadBytes: 64)
        #expect(offered(allocator) == 2048)
    }

    @Test func readsAreSmallerWhileTooMuchIsUnsent() {
        var allocator = allowance.allocator(after: 1 << 20)
        unsentBytesChange(by: ReadAllowance.unsentLimitBytes)
        #expect(offered(allocator) == ReadAllowance.bulkBytes)
        unsentBytesChange(by: 1)
        for _ in 0..<2 {
            #expect(offered(allocator) == ReadAllowance.scarceBytes)
            _ = allocator.record(actualReadBytes: ReadAllowance.scarceBytes)
        }
        #expect(offered(allocator) == ReadAllowance.scarceBytes)
        unsentBytesChange(by: -1)
        #expect(offered(allocator) == 4 * ReadAllowance.scarceBytes)
        _ = allocator.record(actualReadBytes: 4 * ReadAllowance.scarceBytes)
        #expect(offered(allocator) == ReadAllowance.bulkBytes)
    }

    @Test func readsAreSmallerBesideMessages() {
        let allocator = allowance.allocator(after: 1 << 20)
        let start = QUICTime(nanoseconds: 1)
        func drive(after milliseconds: Int64, hadMessage: Bool) -> Int {
            let now = start + .milliseconds(milliseconds)
            allowance.connectionDriven(unsentBytesChanged: 0, hadMessage: hadMessage, now: now)
            return offered(allocator)
        }
        #expect(drive(after: 0, hadMessage: false) == ReadAllowance.bulkBytes)
        #expect(drive(after: 1, hadMessage: true) == ReadAllowance.besideMessagesBytes)
        #expect(drive(after: 60, hadMessage: true) == ReadAllowance.besideMessagesBytes)
        #expect(drive(after: 160, hadMessage: false) == ReadAllowance.besideMessagesBytes)
        #expect(drive(after: 161, hadMessage: false) == ReadAllowance.bulkBytes)
    }

    // What SwiftNIO takes as “no”, it answers by keeping the buffer.
    @Test func noBufferIsToBeKept() {
        var allocator = allowance.allocator(after: 2048)
        #expect(allocator.nextBufferSize() == nil)
        for count in [8192, 1, 1, 1] {
            let mayGrow = allocator.record(actualReadBytes: count)
            #expect(mayGrow)
        }
    }
}
