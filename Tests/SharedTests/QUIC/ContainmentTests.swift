import NIOCore
import Synchronization
import TestSupport
import Testing

@testable import Shared

@Suite("QUICConnection: containment")
struct ContainmentTests {
    // What is given up is never freed. The leak sanitizer takes it for lost unless its address is somewhere.
    private static let givenUp = Mutex<[UInt]>([])

    @Test(arguments: ConnectionSide.allCases)
    func aFailedAssertionEndsItsConnectionAlone(side: ConnectionSide) throws {
        let pair = try lossyPair(seed: 1)
        let other = try lossyPair(seed: 2)
        let end = try pair.end(side)
        let id = try end.connection.openStream()
        end.connection.send(ByteBuffer(repeating: 1, count: 2_000_000), finish: false, on: id)
        try pair.advance(by: .seconds(60))
        end.connection.send(ByteBuffer(repeating: 1, count: 1000), finish: false, on: id)

        Self.givenUp.withLock { $0.append(UInt(bitPattern: end.connection.conn)) }
        // When it has slowed down once, CUBIC asserts that nothing is sent before what was sent last.
        let tooEarly = QUICTime(nanoseconds: 1)
        end.connection.writeDatagrams(using: DatagramScratch(), now: tooEarly) { _ in .sent }
        try pair.advance(by: .seconds(1))
        guard case .assertionFailed(let assertion) = end.closure else {
            Issue.record("no assertion failed: \(String(describing: end.closure))")
            return
        }
        #expect(assertion.contains("ts >= last_ts"))
        #expect(end.connection.isTerminated)

        // Whoever has not heard of it yet may go on.
        end.connection.send(ByteBuffer(string: "nobody"), finish: true, on: id)
        end.connection.resetStream(id, code: 1)
        end.connection.close(.application(1, reason: "over"))
        end.connection.handleExpiry(now: pair.now)
        end.connection.writeDatagrams(using: DatagramScratch(), now: pair.now) { _ in .sent }
        #expect(throws: QUICError.connectionClosed) { try end.connection.openStream() }

        let otherID = try other.client.connection.openStream()
        other.client.connection.send(ByteBuffer(string: "still here"), finish: true, on: otherID)
        let server = try other.requireServer()
        #expect(try other.advance(by: .seconds(5)) { server.finishedStreams.contains(otherID) })
    }

    private func lossyPair(seed: UInt64) throws -> ConnectionPair {
        var configuration = try ConnectionPair.Configuration.trusting()
        configuration.client.congestionController = .cubic
        configuration.server.congestionController = .cubic
        configuration.conditions.lossPercent = 1
        configuration.seed = seed
        let pair = try ConnectionPair(configuration)
        try pair.completeHandshake()
        return pair
    }
}
