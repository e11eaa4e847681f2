import NIOCore
import NIOPosix
import Testing

@testable import Shared

@Suite("ConnectionDriver", .timeLimit(.minutes(1)))
struct ConnectionDriverTests {
    @Test func tellsItsTransportWhatIsUnsent() async throws {
        let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
        let pair = try await eventLoop.flatSubmit { DriverPair.open(on: eventLoop) }.get()
        let sizes = try await eventLoop.submit {
            let driver = try #require(pair.value.client.driver)
            func nextRead() -> Int {
                driver.readAllocator(after: 1 << 20).buffer(allocator: ByteBufferAllocator()).capacity
            }
            // Far beyond the window of a stream that nobody reads.
            let stream = try driver.connection.openStream()
            let piece = ByteBuffer(repeating: 0, count: ReadAllowance.unsentLimitBytes)
            var sizes = [nextRead()]
            for _ in 0..<2 {
                driver.connection.send(piece, finish: false, on: stream)
            }
            driver.drive()
            sizes.append(nextRead())
            driver.connection.resetStream(stream, code: 1)
            driver.drive()
            sizes.append(nextRead())
            let other = try driver.connection.openStream()
            for _ in 0..<2 {
                driver.connection.send(piece, finish: false, on: other)
            }
            driver.drive()
            sizes.append(nextRead())
            pair.value.close()
            sizes.append(nextRead())
            return sizes
        }.get()
        let (usual, scarce) = (ReadAllowance.usualBytes, ReadAllowance.scarceBytes)
        #expect(sizes == [usual, scarce, usual, scarce, usual])
    }
}
