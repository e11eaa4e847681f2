import NIOCore
import TestSupport
import Testing

@testable import Shared

struct BulkLimitTests {
    private let start = QUICTime(nanoseconds: 1_000_000_000)

    private func limit(shortest: TimeAmount, smoothed: TimeAmount? = nil) -> Int {
        BulkLimit.bytesInFlight(shortest: shortest, smoothed: smoothed ?? shortest)
    }

    @Test func withoutMessagesThereIsNone() {
        #expect(!BulkLimit().isInForce(now: start))
    }

    @Test func itHoldsForATenthOfASecondAfterEachMessage() {
        func isInForce(_ limit: BulkLimit, at milliseconds: Int64) -> Bool {
            limit.isInForce(now: start + .milliseconds(milliseconds))
        }
        var limit = BulkLimit()
        limit.sawMessage(now: start)
        #expect(isInForce(limit, at: 100))
        limit.sawMessage(now: start + .milliseconds(100))
        #expect(isInForce(limit, at: 200))
        #expect(!isInForce(limit, at: 201))
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

    @Test func besideMessagesLittleBulkIsInFlight() throws {
        let limit = BulkLimit.minimumBytes
        // A packet that has begun is filled, and some packets go all the same.
        #expect(try mostInFlight(beside: .pings) < limit + 16 * 1024)
        #expect(try mostInFlight(beside: .pings, silentFor: .milliseconds(101)) > 2 * limit)
        #expect(try mostInFlight(beside: .nothing) > 2 * limit)
    }

    private enum Company {
        case nothing
        case pings
    }

    /// The most that is on its way from the client while it sends bulk.
    ///
    /// - Parameters:
    ///   - company: what it sends before, and beside the bulk: a message after each answer to the last one.
    ///   - silence: how long it sends no messages before the bulk begins; none beside it then.
    private func mostInFlight(beside company: Company, silentFor silence: TimeAmount? = nil) throws -> Int {
        let bulkBytes = 4 << 20
        var configuration = try ConnectionPair.Configuration.trusting()
        configuration.conditions.delay = .microseconds(50)
        let pair = try ConnectionPair(configuration)
        try pair.completeHandshake()
        let server = try pair.requireServer()
        let message = ByteBuffer(repeating: 1, count: 64)
        let (bulk, ping) = (try pair.client.connection.openStream(), try pair.client.connection.openStream())
        var pongs = 0
        var isSilent = company == .nothing
        server.onEvent = { event, end in
            if event == .streamReadable(ping) { end.connection.send(message, finish: false, on: ping) }
        }
        pair.client.onEvent = { event, end in
            guard event == .streamReadable(ping) else { return }
            pongs += 1
            if !isSilent { end.connection.send(message, finish: false, on: ping) }
        }
        pair.client.connection.send(message, finish: false, on: ping)
        let target = company == .nothing ? 1 : 4
        #expect(try pair.advance(by: .seconds(1)) { pongs >= target })
        if let silence {
            isSilent = true
            try pair.advance(by: silence)
        }

        pair.client.connection.send(ByteBuffer(repeating: 2, count: bulkBytes), finish: true, on: bulk)
        pongs = 0
        var most = 0
        let hasArrived = try pair.advance(by: .seconds(10)) {
            let network = pair.network
            let (sent, arrived) = (network.sentBytes[.client] ?? 0, network.arrivedBytes[.server] ?? 0)
            most = max(most, sent - arrived)
            return server.finishedStreams.contains(bulk)
        }
        #expect(hasArrived)
        #expect(server.received[bulk]?.count == bulkBytes)
        #expect(isSilent || pongs > 20)
        return most
    }
}
