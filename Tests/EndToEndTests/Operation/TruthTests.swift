import Foundation
import TestSupport
import Testing

/// What the control API tells about a tunnel is so: sessions, relays, bytes, and why a target is not reached.
@Suite("Truth", .endToEnd)
struct TruthTests {
    /// A target that is not reached.
    enum Unreachable: CaseIterable, Sendable {
        case refused, nameNotFound, notAllowed, timedOut

        /// The word that programs read. The original's protocol has one code for all that goes wrong in the network.
        func reason(in applicationProtocol: TunnelProtocol) -> String {
            switch self {
            case .refused: applicationProtocol == .warp ? "refused" : "unreachable"
            case .nameNotFound: "name_not_found"
            case .notAllowed: "not_allowed"
            case .timedOut: "timed_out"
            }
        }

        /// What the sentence for people holds.
        func words(in applicationProtocol: TunnelProtocol) -> String {
            switch self {
            case .refused: applicationProtocol == .warp ? "refused the connection" : "cannot be reached"
            case .nameNotFound: "does not resolve"
            case .notAllowed: "policy does not allow"
            case .timedOut: "did not answer"
            }
        }
    }

    @Test(arguments: TunnelProtocol.allCases)
    func aSessionIsToldAsItIs(applicationProtocol: TunnelProtocol) async throws {
        let start = Date()
        try await withTunnel(Tunnel.Options(speaking: applicationProtocol)) { tunnel in
            let port = try tunnel.open(HostPort(port: 9))
            let session = try #require(try tunnel.api.sessionStatuses().first)
            #expect(session.uid == tunnel.uid)
            #expect(session.protocol == applicationProtocol.rawValue)
            switch applicationProtocol {
            case .warp: #expect(try #require(session.software).hasPrefix("socket-warp"))
            case .original: #expect(session.software == nil)
            }
            let since = try #require(Self.date(session.since), "not RFC 3339: \(session.since)")
            #expect(since >= start.addingTimeInterval(-0.001) && since <= Date())
            let rtt = try #require(session.rttMs)
            #expect(rtt > 0 && rtt < 5000)
            let remote = try HostPort(parsing: session.remote)
            #expect(remote.host == "127.0.0.1" && remote.port != tunnel.listener.quicEndpoint.port)
            #expect(!session.draining)
            #expect(session.forwards?.map(\.port) == [port])

            let forward = try #require(try tunnel.api.forwardStatuses().first)
            #expect(forward.uid == tunnel.uid)
            #expect(forward.sessionUp == true)
            #expect(forward.listening && forward.error == nil)
            #expect(forward.session?.id == session.id)
            #expect(forward.session?.since == session.since)
            #expect(forward.lastDialError == nil)
            // A value that is not there yet is null, so that whoever reads it need not guess.
            #expect(try tunnel.api.request("GET", "/list").body.contains(#""last_dial_error":null"#))
        }
    }

    @Test(arguments: TunnelProtocol.allCases)
    func relaysAndTheirBytesAreCounted(applicationProtocol: TunnelProtocol) async throws {
        let acceptor = try TCPAcceptor()
        try await withTunnel(Tunnel.Options(speaking: applicationProtocol)) { tunnel in
            let port = try tunnel.open(acceptor.endpoint)
            let other = try tunnel.open(acceptor.endpoint)
            let first = (visitor: try tunnel.visit(port), target: try acceptor.accept())
            let second = (visitor: try tunnel.visit(port), target: try acceptor.accept())
            try Self.expect(tunnel, port, openRelays: 2, toTarget: 0, fromTarget: 0)

            try await transfer(BytePattern(byteCount: 1_234_567, seed: 1), from: first.visitor, to: first.target)
            try Self.expect(tunnel, port, openRelays: 2, toTarget: 1_234_567, fromTarget: 0)
            try await transfer(BytePattern(byteCount: 765_432, seed: 2), from: first.target, to: first.visitor)
            try Self.expect(tunnel, port, openRelays: 1, toTarget: 1_234_567, fromTarget: 765_432)

            try second.visitor.send("12345")
            #expect(try second.target.receive(exactly: 5) == Array("12345".utf8))
            try second.visitor.reset()
            try second.target.expectToReceive(Received("", .reset))
            try Self.expect(tunnel, port, openRelays: 0, toTarget: 1_234_572, fromTarget: 765_432)
            let untouched = try #require(try tunnel.api.forwardStatuses().first { $0.port == other })
            #expect(untouched.bytesToTarget == 0 && untouched.bytesFromTarget == 0)
        }
    }

    @Test(arguments: TunnelProtocol.allCases, Unreachable.allCases)
    func theLastDialErrorSaysWhatHappened(applicationProtocol: TunnelProtocol, problem: Unreachable) async throws {
        let target = try Self.target(problem)
        let options = Tunnel.Options(speaking: applicationProtocol) {
            $0.connector.dialTimeout = 0.5
            if problem == .notAllowed { $0.connector.denyTargets = ["127.0.0.0/8"] }
        }
        let start = Date()
        try await withTunnel(options) { tunnel in
            let port = try tunnel.open(target)
            #expect(try tunnel.api.forwardStatuses().first?.lastDialError == nil)
            try tunnel.visit(port).expectToReceive(Received("", .reset), timeout: .seconds(60))

            let forward = try #require(try tunnel.api.forwardStatuses().first)
            let failure = try #require(forward.lastDialError)
            #expect(failure.reason == problem.reason(in: applicationProtocol))
            #expect(failure.detail.contains(problem.words(in: applicationProtocol)), "\(failure.detail)")
            // The rules of the connector's network are nobody's business here.
            #expect(!failure.detail.contains("127.0.0"), "\(failure.detail)")
            let at = try #require(Self.date(failure.at))
            #expect(at >= start.addingTimeInterval(-0.001) && at <= Date())
            #expect(try Polling.wait { try tunnel.api.forwardStatuses().first?.openRelays == 0 })
            let session = try #require(try tunnel.api.sessionStatuses().first)
            #expect(session.forwards?.first?.lastDialError == failure)
        }
    }

    @Test(arguments: TunnelProtocol.allCases)
    func aForwardWhoseConnectorHasEndedSaysSo(applicationProtocol: TunnelProtocol) async throws {
        try await withTunnel(Tunnel.Options(speaking: applicationProtocol)) { tunnel in
            _ = try tunnel.open(HostPort(port: 9))
            tunnel.connector.process.terminate()
            try tunnel.listener.process.waitForLine(containing: "session ended")
            try Self.expectNoSession(tunnel)
        }
    }

    @Test func aForwardWhoseConnectorWasKilledSaysSo() async throws {
        let options = Tunnel.Options(speaking: .warp) {
            $0.listener.environment = ["SWL_KEEP_ALIVE": "1", "SWL_DEAD_AFTER": "2"]
        }
        try await withTunnel(options) { tunnel in
            _ = try tunnel.open(HostPort(port: 9))
            tunnel.connector.process.kill()
            try tunnel.listener.process.waitForLine(containing: "session ended")
            try Self.expectNoSession(tunnel)
        }
    }

    // MARK: Private

    private static func target(_ problem: Unreachable) throws -> HostPort {
        switch problem {
        case .refused: try ReservedPort().endpoint
        // RFC 6761 §6.4: no such name ever exists.
        case .nameNotFound: HostPort(host: "nowhere.invalid", port: 80)
        case .notAllowed: try TCPAcceptor().endpoint
        case .timedOut: try SilentTarget().endpoint
        }
    }

    /// Expects that the forward and its session tell the same numbers, at the latest when the listener has counted.
    private static func expect(
        _ tunnel: Tunnel,
        _ port: Int,
        openRelays: Int,
        toTarget: Int,
        fromTarget: Int,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let expected = [openRelays, toTarget, fromTarget]
        var told: [[Int?]] = []
        let isSo = try Polling.wait(timeout: .seconds(10)) {
            let forward = try tunnel.api.forwardStatuses().first { $0.port == port }
            let session = try tunnel.api.sessionStatuses().first
            told = [
                [forward?.openRelays, forward?.bytesToTarget, forward?.bytesFromTarget],
                [session?.openRelays, session?.bytesToTargets, session?.bytesFromTargets],
            ]
            return told == [expected, expected]
        }
        #expect(isSo, "\(expected) are told as \(told)", sourceLocation: sourceLocation)
    }

    private static func expectNoSession(_ tunnel: Tunnel, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let forward = try #require(try tunnel.api.forwardStatuses().first)
        #expect(forward.sessionUp == false, sourceLocation: sourceLocation)
        #expect(forward.session == nil, sourceLocation: sourceLocation)
        #expect(forward.listening, sourceLocation: sourceLocation)
        #expect(try tunnel.api.sessionStatuses().isEmpty, sourceLocation: sourceLocation)
    }

    private static func date(_ text: String) -> Date? {
        let formatter = ISO8601DateFormatter()
        formatter.formatOptions = [.withInternetDateTime, .withFractionalSeconds]
        return formatter.date(from: text)
    }
}
