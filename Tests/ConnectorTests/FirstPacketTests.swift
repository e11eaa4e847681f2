import NIOCore
import Shared
import TestSupport
import Testing

@testable import Connector

/// How a connector begins, in virtual time.
@Suite("ConnectorService: first packet")
struct FirstPacketTests {
    @Test func oneThatIsLostIsSentAgainSoon() throws {
        let pair = try pair(delay: .microseconds(100))
        pair.network.silenced = [.client]
        try pair.advance(by: .milliseconds(1))
        pair.network.silenced = []
        #expect(try pair.advance(by: .milliseconds(45)) { pair.server != nil })
        try pair.completeHandshake()
    }

    @Test(arguments: [(TimeAmount.milliseconds(20), 1), (.milliseconds(25), 2), (.milliseconds(300), 4)])
    func aLongPathCarriesFewInVain(delay: TimeAmount, expected: Int) throws {
        let pair = try pair(delay: delay)
        var sent = 0
        pair.network.tamper = { bytes, sender in
            sent += sender == .client ? 1 : 0
            return bytes
        }
        try pair.advance(by: delay + delay - .milliseconds(1))
        #expect(sent == expected)
        try pair.completeHandshake()
        #expect(pair.client.connection.smoothedRoundTrip >= delay + delay)
    }

    private func pair(delay: TimeAmount) throws -> ConnectionPair {
        var configuration = try ConnectionPair.Configuration.trusting()
        configuration.client.initialRoundTrip = ConnectorService.initialRoundTrip
        configuration.conditions.delay = delay
        return try ConnectionPair(configuration)
    }
}
