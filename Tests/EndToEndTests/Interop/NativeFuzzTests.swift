import TestSupport
import Testing

/// Peers with a valid certificate that break every rule of `warp/1`: each gets what the rules say, and nobody else
/// notices. The rounds are in `native_fuzz_connector.py` and `native_fuzz_listener.py`, and judge by themselves.
@Suite("Interop: native fuzz", .heavyEndToEnd, .enabled(if: InteropPeer.python != nil, InteropPeer.hint))
struct NativeFuzzTests {
    private static let patience = Duration.seconds(120)
    private static let maxGrowthBytes = 64 << 20
    /// What a program may open for itself meanwhile.
    private static let maxMoreFiles = 8
    private static let connectorCount = 8

    @Test(arguments: [1])
    func aListenerSurvivesConnectorsThatBreakTheRules(seed: Int) async throws {
        let target = try EchoServer()
        let options = Tunnel.Options { $0.connector = ConnectorFixture.Options(uid: "client-b") }
        try await withTunnel(options) { tunnel in
            let goodPort = try tunnel.open(target.endpoint)
            let hostilePort = try forward(tunnel.listener, to: target)
            let files = ProcessInspection(tunnel.listener.process)
            let fileCount = try files.openFileCount()
            let growth = try MemoryGrowth(of: [tunnel.listener.process])

            let peers = try NativePeer.hostileConnectors(
                to: tunnel.listener,
                uid: "client-a",
                visitorPort: hostilePort,
                seed: seed
            )
            _ = try peers.waitForOutput(prefix: "DONE ", timeout: Self.patience)
            peers.expectNoProblems()
            try peers.expectExit(0)

            try tunnel.checkEcho(through: goodPort)
            let newcomer = try NativePeer.connector(to: tunnel.listener)
            _ = try newcomer.waitForOutput(prefix: "WELCOME ")
            try tunnel.checkEcho(through: hostilePort)
            newcomer.terminate()
            try newcomer.expectExit(0)
            #expect(try Polling.wait { try files.openFileCount() <= fileCount + Self.maxMoreFiles })
            try growth.check(atMost: Self.maxGrowthBytes)
        }
    }

    /// Several of them, so that one plays while others wait before they dial again.
    @Test(arguments: [1])
    func aConnectorSurvivesAListenerThatBreaksTheRules(seed: Int) async throws {
        let target = try EchoServer()
        let (listener, port) = try NativePeer.hostileListener(target: target.endpoint, seed: seed)
        let connectors = try (0..<Self.connectorCount).map { number in
            var options = ConnectorFixture.Options(uid: "client-\(number)")
            // `localhost` is two addresses, and the listener is at the second one only.
            options.serverName = "127.0.0.1"
            return try ConnectorFixture(options, listenerPort: port).process
        }
        _ = try listener.waitForOutputs(prefix: "ROUND ", count: Self.connectorCount * 2)
        let files = connectors.map(ProcessInspection.init)
        let fileCount = try files.map { try $0.openFileCount() }.max() ?? 0
        let growth = try MemoryGrowth(of: connectors)

        _ = try listener.waitForOutput(prefix: "DONE ", timeout: Self.patience)
        listener.expectNoProblems()
        for port in try listener.waitForOutputs(prefix: "PORT ", count: Self.connectorCount) {
            let visitor = try TCPPeer(connectingTo: HostPort(port: InteropPeer.number(port)))
            try await transfer(BytePattern(byteCount: 100_000, seed: 1), from: visitor, to: visitor)
        }
        for program in files {
            #expect(try Polling.wait { try program.openFileCount() <= fileCount + Self.maxMoreFiles })
        }
        try growth.check(atMost: Self.maxGrowthBytes)
        for connector in connectors {
            connector.terminate()
            try connector.expectExit(0)
        }
    }

    /// A forward to `client-a`, opened while it had a session.
    private func forward(_ listener: ListenerFixture, to target: EchoServer) throws -> Int {
        let connector = try NativePeer.connector(to: listener)
        _ = try connector.waitForOutput(prefix: "WELCOME ")
        try listener.waitForSession(uid: "client-a")
        let port = try listener.open(uid: "client-a", target: target.endpoint)
        connector.terminate()
        try connector.expectExit(0)
        return port
    }
}
