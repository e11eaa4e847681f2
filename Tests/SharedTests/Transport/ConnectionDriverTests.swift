import NIOCore
import NIOPosix
import Testing

@testable import Shared

@Suite("ConnectionDriver", .timeLimit(.minutes(1)))
struct ConnectionDriverTests {
    @Test func tellsItsTransportOfWhatIsUnsentAndOfMessages() async throws {
        let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
        let pair = try await eventLoop.flatSubmit { DriverPair.open(on: eventLoop) }.get()
        try await eventLoop.submit {
            let driver = try #require(pair.value.client.driver)
            func readSize() -> Int {
                driver.readAllocator(after: 1 << 20).buffer(allocator: ByteBufferAllocator()).capacity
            }
            // Nobody reads these streams.
            func send(_ count: Int) throws -> QUICStreamID {
                let stream = try driver.connection.openStream()
                driver.connection.send(ByteBuffer(repeating: 0, count: count), finish: false, on: stream)
                driver.drive()
                return stream
            }
            #expect(readSize() == ReadAllowance.bulkBytes)
            let stream = try send(2 * ReadAllowance.unsentLimitBytes)
            #expect(readSize() == ReadAllowance.scarceBytes)
            driver.connection.resetStream(stream, code: 1)
            driver.drive()
            #expect(readSize() == ReadAllowance.bulkBytes)
            _ = try send(10)
            #expect(readSize() == ReadAllowance.besideMessagesBytes)
            _ = try send(2 * ReadAllowance.unsentLimitBytes)
            #expect(readSize() == ReadAllowance.scarceBytes)
            pair.value.close()
            #expect(readSize() > ReadAllowance.scarceBytes)
        }.get()
    }
}
