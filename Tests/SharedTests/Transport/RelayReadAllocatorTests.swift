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

    private func offered(_ allocator: RelayReadAllocator) -> Int {
        allocator.buffer(allocator: ByteBufferAllocator()).capacity
    }

    @Test func readsThatFillTheirBufferGrowToTheUsualSize() {
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
        #expect(offered(allocator) == ReadAllowance.usualBytes)
        _ = allocator.record(actualReadBytes: 5000)
        #expect(offered(allocator) == 8192)
        _ = allocator.record(actualReadBytes: 64)
        #expect(offered(allocator) == 8192)
        _ = allocator.record(actualReadBytes: 64)
        #expect(offered(allocator) == 2048)
    }

    @Test func readsAreSmallerWhileTooMuchIsUnsent() {
        var allocator = allowance.allocator(after: 1 << 20)
        allowance.unsentBytesChanged(by: ReadAllowance.unsentLimitBytes)
        #expect(offered(allocator) == ReadAllowance.usualBytes)
        allowance.unsentBytesChanged(by: 1)
        for _ in 0..<2 {
            #expect(offered(allocator) == ReadAllowance.scarceBytes)
            _ = allocator.record(actualReadBytes: ReadAllowance.scarceBytes)
        }
        #expect(offered(allocator) == ReadAllowance.scarceBytes)
        allowance.unsentBytesChanged(by: -1)
        #expect(offered(allocator) == 4 * ReadAllowance.scarceBytes)
        _ = allocator.record(actualReadBytes: 4 * ReadAllowance.scarceBytes)
        #expect(offered(allocator) == ReadAllowance.usualBytes)
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
