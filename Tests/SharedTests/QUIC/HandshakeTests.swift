import NIOCore
import Shared
import TestSupport
import Testing

@Suite("QUICConnection: handshake")
struct HandshakeTests {
    @Test(arguments: [1, 2, 3] as [UInt64])
    func bothEndsSeeTheVerifiedPeer(seed: UInt64) throws {
        var configuration = try ConnectionPair.Configuration.trusting()
        configuration.seed = seed
        let pair = try ConnectionPair(configuration)
        try pair.completeHandshake()
        let server = try pair.requireServer()
        #expect(server.connection.peerCertificate?.commonName == "client-1")
        #expect(pair.client.connection.peerCertificate?.commonName == "socket-warp test listener")
        #expect(pair.client.connection.isActive)
        #expect(server.connection.isActive)
        #expect(pair.client.connection.smoothedRoundTrip >= .milliseconds(20))
    }

    @Test(arguments: 1...12 as ClosedRange<UInt64>)
    func completesOverAHostileNetwork(seed: UInt64) throws {
        var configuration = try ConnectionPair.Configuration.trusting()
        configuration.seed = seed
        configuration.conditions = .hostile
        let pair = try ConnectionPair(configuration)
        try pair.completeHandshake()
        #expect(try pair.requireServer().connection.peerCertificate?.commonName == "client-1")
    }

    @Test func aCompletedHandshakeIsToldOnce() throws {
        let pair = try ConnectionPair(.trusting())
        try pair.completeHandshake()
        try pair.advance(by: .seconds(5))
        let server = try pair.requireServer()
        #expect(pair.client.events.count { $0 == .handshakeCompleted } == 1)
        #expect(pair.client.events.count { $0 == .handshakeConfirmed } == 1)
        #expect(server.events.count { $0 == .handshakeCompleted } == 1)
    }

    @Test func retryProvesTheClientsAddressFirst() throws {
        var configuration = try ConnectionPair.Configuration.trusting()
        configuration.limits = HalfOpenLimits(retryThreshold: 0, maximum: 10)
        let pair = try ConnectionPair(configuration)
        try pair.completeHandshake()
        #expect(pair.serverReplies == 1)
    }

    @Test(arguments: 1...6 as ClosedRange<UInt64>)
    func retryWorksOverAHostileNetwork(seed: UInt64) throws {
        var configuration = try ConnectionPair.Configuration.trusting()
        configuration.limits = HalfOpenLimits(retryThreshold: 0, maximum: 10)
        configuration.conditions = .hostile
        configuration.seed = seed
        let pair = try ConnectionPair(configuration)
        try pair.completeHandshake()
        #expect(pair.serverReplies >= 1)
    }

    @Test func firstPacketsAboveTheLimitAreDroppedAndRepeated() throws {
        var configuration = try ConnectionPair.Configuration.trusting()
        configuration.limits = HalfOpenLimits(retryThreshold: 100, maximum: 1)
        let pair = try ConnectionPair(configuration)
        pair.serverEndpoint.halfOpenCount = 1
        try pair.advance(by: .milliseconds(500))
        #expect(pair.server == nil)
        #expect(pair.serverDrops.contains(.tooManyHalfOpenHandshakes))
        pair.serverEndpoint.halfOpenCount = 0
        try pair.completeHandshake()
    }

    @Test(arguments: [
        (TimeAmount.milliseconds(100), TimeAmount.milliseconds(400)), (.milliseconds(333), .milliseconds(1200)),
    ])
    func aLostFirstPacketIsSentAgainAfterThreeAssumedRoundTrips(assumed: TimeAmount, handshake: TimeAmount) throws {
        var configuration = try ConnectionPair.Configuration.trusting()
        configuration.client.initialRoundTrip = assumed
        let pair = try ConnectionPair(configuration)
        pair.network.silenced = [.client]
        let start = pair.now
        try pair.advance(by: .milliseconds(1))
        pair.network.silenced = []
        try pair.completeHandshake()
        #expect(pair.now >= start + assumed)
        #expect(pair.now <= start + handshake)
    }

    @Test func aSilentServerEndsTheHandshakeInTime() throws {
        let pair = try ConnectionPair(.trusting())
        pair.network.silenced = [.client, .server]
        let start = pair.now
        #expect(try pair.advance(by: .seconds(60)) { pair.client.closure != nil })
        #expect(pair.client.closure == .handshakeTimeout)
        #expect(pair.now >= start + .milliseconds(9900))
        #expect(pair.now <= start + .milliseconds(10_100))
        #expect(pair.client.connection.isTerminated)
    }

    @Test func aClientThatFallsSilentDoesNotKeepTheServerWaiting() throws {
        let pair = try ConnectionPair(.trusting())
        try pair.advance(by: .seconds(1)) { pair.server != nil }
        pair.network.silenced = [.client]
        let server = try pair.requireServer()
        #expect(try pair.advance(by: .seconds(60)) { server.closure != nil })
        #expect(server.closure == .handshakeTimeout)
        #expect(!server.hasCompletedHandshake)
    }

    @Test func theServerSendsAtMostThreeTimesWhatItGotBeforeTheAddressIsValidated() throws {
        let pki = try ThrowAwayPKI.perRun()
        let request = CertificateRequest.server().with { request in
            // A big chain: more than three times a first packet must be due.
            request.key = .rsaPKCS8
            request.issuer = .intermediate
            request.alternativeNames += (0..<100).map { "DNS:name-\($0).example" }
        }
        var configuration = try ConnectionPair.Configuration.trusting()
        configuration.serverTLS = try pki.tls(request, expecting: .client)
        let pair = try ConnectionPair(configuration)
        try pair.advance(by: .seconds(1)) { pair.server != nil }
        pair.network.silenced = [.client]
        try pair.advance(by: .seconds(60)) {
            pair.network.sentBytes[.server, default: 0] > 3 * pair.network.arrivedBytes[.server, default: 0]
        }
        let sent = pair.network.sentBytes[.server, default: 0]
        let received = pair.network.arrivedBytes[.server, default: 0]
        #expect(received >= 1200)
        #expect(sent > 2 * received, "the limit was never near")
        #expect(sent <= 3 * received)
    }

    /// What each end speaks, the preferred one first, and what they agree on.
    struct Agreement: Sendable, CustomTestStringConvertible {
        let client: [ApplicationProtocol]
        let server: [ApplicationProtocol]
        let agreed: ApplicationProtocol

        var testDescription: String { "\(client) to \(server)" }
    }

    static let agreements = [
        Agreement(client: [.warp, .original], server: [.warp, .original], agreed: .warp),
        Agreement(client: [.original, .warp], server: [.warp, .original], agreed: .warp),
        Agreement(client: [.warp, .original], server: [.original, .warp], agreed: .original),
        Agreement(client: [.original], server: [.warp, .original], agreed: .original),
        Agreement(client: [.warp, .original], server: [.original], agreed: .original),
        Agreement(client: [.warp], server: [.warp, .original], agreed: .warp),
        Agreement(client: [.warp], server: [.warp], agreed: .warp),
    ]

    @Test(arguments: agreements)
    func theServersOrderDecidesAmongTheCommonApplicationProtocols(_ agreement: Agreement) throws {
        var configuration = try ConnectionPair.Configuration.trusting()
        configuration.client.applicationProtocols = agreement.client
        configuration.server.applicationProtocols = agreement.server
        let pair = try ConnectionPair(configuration)
        #expect(pair.client.connection.applicationProtocol == nil)
        try pair.completeHandshake()
        #expect(pair.client.connection.applicationProtocol == agreement.agreed)
        #expect(try pair.requireServer().connection.applicationProtocol == agreement.agreed)
    }

    @Test func theApplicationProtocolIsKnownWhenTheHandshakeIsCompleted() throws {
        let pair = try ConnectionPair(.trusting())
        var seen: [ApplicationProtocol?] = []
        pair.client.onEvent = { event, end in
            if event == .handshakeCompleted {
                seen.append(end.connection.applicationProtocol)
            }
        }
        try pair.completeHandshake()
        #expect(seen == [.original])
    }

    @Test(arguments: ApplicationProtocol.allCases)
    func differentApplicationProtocolsAreRefused(_ clients: ApplicationProtocol) throws {
        var configuration = try ConnectionPair.Configuration.trusting()
        configuration.client.applicationProtocols = [clients]
        configuration.server.applicationProtocols = ApplicationProtocol.allCases.filter { $0 != clients }
        let pair = try ConnectionPair(configuration)
        #expect(try pair.advance(by: .seconds(20)) { pair.client.closure != nil && pair.server?.closure != nil })
        guard case .local(let frame) = try pair.requireServer().closure else {
            Issue.record("the server ended with \(String(describing: pair.server?.closure))")
            return
        }
        #expect(frame.tlsAlert == 120)
        #expect(frame.reason == "no common application protocol")
        #expect(try !pair.requireServer().hasCompletedHandshake)
        #expect(pair.client.closure == .peer(frame))
    }
}
