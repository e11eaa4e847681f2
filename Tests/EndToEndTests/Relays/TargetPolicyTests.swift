import TestSupport
import Testing

/// The connector dials what its settings allow, by the address that a target resolves to; a visitor of anything else is
/// reset.
@Suite("Target policy", .endToEnd)
struct TargetPolicyTests {
    @Test(arguments: TunnelProtocol.allCases)
    func anAllowedTargetIsServed(applicationProtocol: TunnelProtocol) async throws {
        let target = try EchoServer()
        let allowed = "127.0.0.0/8:\(target.endpoint.port)"
        try await withTunnel(
            Tunnel.Options(speaking: applicationProtocol) { $0.connector.allowTargets = ["*.example", allowed] }
        ) { tunnel in
            try tunnel.checkEcho(through: try tunnel.open(target.endpoint))
            let named = HostPort(host: "localhost", port: target.endpoint.port)
            try tunnel.checkEcho(through: try tunnel.open(named))
            #expect(tunnel.connector.process.lines(containing: "every target is allowed").isEmpty)
        }
    }

    @Test(arguments: TunnelProtocol.allCases)
    func anAddressIsDeniedUnderAnyName(applicationProtocol: TunnelProtocol) async throws {
        let target = try TCPAcceptor()
        let served = try EchoServer(on: HostPort(host: "127.0.0.2", port: 0))
        let options = Tunnel.Options(speaking: applicationProtocol) { $0.connector.denyTargets = ["127.0.0.1", "::1"] }
        try await withTunnel(options) { tunnel in
            let hosts = ["127.0.0.1", "localhost", "0x7f.1", "2130706433", "0.0.0.0", "::ffff:127.0.0.1", "::"]
            for host in hosts {
                let visitor = try tunnel.visit(try tunnel.open(HostPort(host: host, port: target.endpoint.port)))
                try visitor.expectToReceive(Received("", .reset))
            }
            // One line for each, which says what is to be changed if it should be served.
            let refused = { tunnel.connector.process.lines(containing: "relay refused") }
            #expect(Polling.wait { refused().count == hosts.count })
            let refusals = refused()
            for (host, refusal) in zip(hosts, refusals) {
                let reason = try refusal.metadata("reason")
                #expect(reason.contains(host) && reason.contains("is denied by"), "\(refusal)")
            }
            #expect(throws: SocketError.self) { try target.accept(timeout: .zero) }
            try tunnel.checkEcho(through: try tunnel.open(served.endpoint))
        }
    }

    @Test func anAllowedNameIsAllowedByThatNameOnly() async throws {
        let target = try EchoServer()
        let options = Tunnel.Options { $0.connector.allowTargets = ["localhost:\(target.endpoint.port)"] }
        try await withTunnel(options) { tunnel in
            let named = HostPort(host: "LocalHost", port: target.endpoint.port)
            try tunnel.checkEcho(through: try tunnel.open(named))
            let visitor = try tunnel.visit(try tunnel.open(target.endpoint))
            try visitor.expectToReceive(Received("", .reset))
        }
    }

    @Test(arguments: TunnelProtocol.allCases)
    func anEmptyListAllowsNothingAndSaysSo(applicationProtocol: TunnelProtocol) async throws {
        let target = try TCPAcceptor()
        try await withTunnel(Tunnel.Options(speaking: applicationProtocol) { $0.connector.allowTargets = [] }) {
            tunnel in
            let visitor = try tunnel.visit(try tunnel.open(target.endpoint))
            try visitor.expectToReceive(Received("", .reset))
            let warnings = tunnel.connector.process.lines(containing: "no target is allowed")
            #expect(warnings.map(\.level) == ["warning"])
        }
    }

    @Test func withoutRulesEverythingIsAllowedWithOneWarning() async throws {
        let target = try EchoServer()
        try await withTunnel { tunnel in
            try tunnel.checkEcho(through: try tunnel.open(target.endpoint))
            let warnings = tunnel.connector.process.lines(containing: "every target is allowed")
            #expect(warnings.map(\.level) == ["warning"])
        }
    }

    @Test(arguments: [
        ("allow_targets", ["localhost", "10.0.0.1/8"], "10.0.0.1/8", "use 10.0.0.0/8"),
        ("deny_targets", ["*:22", "db.example:http"], "db.example:http", "use ports from 1 to 65535"),
    ])
    func anUnusableRuleIsNamedWithItsPlace(member: String, rules: [String], named: String, remedy: String) throws {
        let folder = try ScratchFolder("rules")
        var options = ConnectorFixture.Options()
        if member == "allow_targets" { options.allowTargets = rules } else { options.denyTargets = rules }
        // Nothing listens there; the connector does not come so far as to dial.
        let path = try ConnectorFixture.write(try ConnectorFixture.settings(options, listenerPort: 9), in: folder)
        try expectBadStart(
            of: try DaemonProcess(.connector, arguments: [path]),
            naming: ["\(member)[1]", named, remedy]
        )
    }
}
