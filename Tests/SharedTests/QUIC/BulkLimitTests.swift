import NIOCore
import TestSupport
import Testing

@testable import Shared

struct BulkLimitTests {
    private let start = QUICTime(nanoseconds: 1_000_000_000)

    private func limit(shortest: TimeAmount, smoothed: TimeAmount? = nil) -> Int? {
        var limit = BulkLimit()
        limit.sawMessage(now: start)
        return limit.bytesInFlight(shortest: shortest, smoothed: smoothed ?? shortest, now: start)
    }

    @Test func withoutMessagesThereIsNone() {
        var limit = BulkLimit()
        #expect(limit.bytesInFlight(shortest: .zero, smoothed: .zero, now: start) == nil)
    }

    @Test func itHoldsForATenthOfASecondAfterEachMessage() {
        func isInForce(_ limit: inout BulkLimit, at milliseconds: Int64) -> Bool {
            let now = start + .milliseconds(milliseconds)
            return limit.bytesInFlight(shortest: .zero, smoothed: .zero, now: now) != nil
        }
        var limit = BulkLimit()
        limit.sawMessage(now: start)
        #expect(isInForce(&limit, at: 100))
        limit.sawMessage(now: start + .milliseconds(100))
        #expect(isInForce(&limit, at: 200))
        #expect(!isInForce(&limit, at: 201))
        #expect(!isInForce(&limit, at: 150), "it is over")
    }

    @Test func itIsWhatTheFastestPathsHold() {
        #expect(limit(shortest: .zero) == 128 * 1024)
        #expect(limit(shortest: .microseconds(60)) == 128 * 1024)
        #expect(limit(shortest: .milliseconds(1)) == 1_250_000)
        #expect(limit(shortest: .milliseconds(50)) == 62_500_000)
    }

    @Test func aPathThatHasBecomeLongerCounts() {
        #expect(limit(shortest: .microseconds(60), smoothed: .milliseconds(40)) == 6_250_000)
    }

    @Test func theLongestRoundTripIsNoOverflow() {
        #expect(limit(shortest: .nanoseconds(.max)) == .max)
    }

    /// The most that is on its way from the client while it sends bulk, and beside it, if `pings`, one message after another.
    private func mostInFlight(pings: Bool) throws -> Int {
        var configuration = try ConnectionPair.Configuration.trusting()
        configuration.conditions.delay = .microseconds(50)
        let pair = try ConnectionPair(configuration)
        try pair.completeHandshake()
        let server = try pair.requireServer()
        let message = ByteBuffer(repeating: 1, count: 64)
        let (bulk, ping) = (try pair.client.connection.openStream(), try pair.client.connection.openStream())
        var pongs = 0
        server.onEvent = { event, end in
            if event == .streamReadable(ping) { end.connection.send(message, finish: false, on: ping) }
        }
        pair.client.onEvent = { event, end in
            guard pings, event == .streamReadable(ping) else { return }
            pongs += 1
            end.connection.send(message, finish: false, on: ping)
        }
        pair.client.connection.send(message, finish: false, on: ping)
        try pair.advance(by: .milliseconds(20)) { pongs >= 3 }

        pair.client.connection.send(ByteBuffer(repeating: 2, count: 4 << 20), finish: true, on: bulk)
        var most = 0
        let arrived = try pair.advance(by: .seconds(10)) {
            let network = pair.network
            let (sent, arrived) = (network.sentBytes[.client] ?? 0, network.arrivedBytes[.server] ?? 0)
            most = max(most, sent - arrived)
            return server.finishedStreams.contains(bulk)
        }
        #expect(arrived)
        #expect(server.received[bulk]?.count == 4 << 20)
        #expect(!pings || pongs > 100)
        return most
    }

    @Test func besideMessagesLittleBulkIsInFlight() throws {
        let limit = BulkLimit.minimumBytes
        // A packet that has begun is filled, and messages go all the same.
        #expect(try mostInFlight(pings: true) < limit + 4 * 1024)
        #expect(try mostInFlight(pings: false) > 2 * limit)
    }
}
