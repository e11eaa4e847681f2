import NIOCore
import NIOPosix
import Testing

@testable import Shared

@Suite("ConnectionDriver", .timeLimit(.minutes(1)))
struct ConnectionDriverTests {
    @Test func tellsItsTransportWhatIsUnsent() async throws {
        try await withDriver { driver, close in
            #expect(readSize(of: driver) == ReadAllowance.bulkBytes)
            let stream = try send(2 * ReadAllowance.unsentLimitBytes, on: driver)
            #expect(readSize(of: driver) == ReadAllowance.scarceBytes)
            driver.connection.resetStream(stream, code: 1)
            driver.drive()
            #expect(readSize(of: driver) == ReadAllowance.bulkBytes)
            _ = try send(2 * ReadAllowance.unsentLimitBytes, on: driver)
            #expect(readSize(of: driver) == ReadAllowance.scarceBytes)
            close()
            #expect(readSize(of: driver) == ReadAllowance.bulkBytes)
        }
    }

    @Test func tellsItsTransportOfMessagesOnce() async throws {
        try await withDriver { driver, _ in
            let stream = try send(10, on: driver)
            #expect(readSize(of: driver) == ReadAllowance.bulkBytes)
            driver.connection.send(ByteBuffer(repeating: 0, count: 10), finish: false, on: stream)
            #expect(driver.connection.hasQueuedMessage)
            driver.drive()
            #expect(readSize(of: driver) == ReadAllowance.besideMessagesBytes)
            #expect(!driver.connection.hasQueuedMessage)
        }
    }

    @Test func aTransportThatClosesLeavesNoConsumerBehind() async throws {
        try await withDriver { driver, close in
            let consumer = Orphan()
            driver.setConsumer(consumer, for: try driver.connection.openStream())
            close()
            close()
            #expect(consumer.losses == 1)
            #expect(driver.consumedStreamCount == 0)
        }
    }

    private func withDriver(
        _ body: @escaping @Sendable (_ driver: ConnectionDriver, _ close: () -> Void) throws -> Void
    ) async throws {
        let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
        let pair = try await eventLoop.flatSubmit { DriverPair.open(on: eventLoop) }.get()
        try await eventLoop.submit {
            defer { pair.value.close() }
            try body(try #require(pair.value.client.driver), pair.value.close)
        }.get()
    }

    private func readSize(of driver: ConnectionDriver) -> Int {
        driver.readAllocator(after: 1 << 20).buffer(allocator: ByteBufferAllocator()).capacity
    }

    /// Sends on a new stream, which nobody reads.
    private func send(_ count: Int, on driver: ConnectionDriver) throws -> QUICStreamID {
        let stream = try driver.connection.openStream()
        driver.connection.send(ByteBuffer(repeating: 0, count: count), finish: false, on: stream)
        driver.drive()
        return stream
    }
}

/// Counts how often its connection was lost.
private final class Orphan: StreamConsumer {
    private(set) var losses = 0

    func streamReadable() {}
    func streamWritable() {}
    func streamReset(code: UInt64) {}
    func streamSendingStopped() {}
    func streamClosed(code: UInt64?) {}

    func connectionClosed() {
        losses += 1
    }
}
