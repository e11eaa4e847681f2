import TestSupport
import Testing

/// What systemd learns from both programs: that they are ready, alive, and about to end.
@Suite("Service manager", .endToEnd)
struct ServiceManagerTests {
    @Test func aListenerIsReadyWhenEverythingListens() async throws {
        let manager = try ServiceManagerStub()
        let process = try DaemonProcess(.listener, environment: try Self.listenerEnvironment(manager))
        #expect(try manager.waitForLine("READY=1") == ["READY=1", "STATUS=awaiting connectors"])
        let quic = try process.waitForLine(containing: "listening for connectors").metadata("quic.address")
        let api = try process.waitForLine(containing: "control API listening").metadata("api.address")
        #expect(try ControlAPIClient(endpoint: HostPort(parsing: api)).list().isEmpty)
        let connector = try ConnectorFixture(listenerPort: try HostPort(parsing: quic).port)
        try connector.waitUntilConnected()
    }

    @Test func aListenerThatCannotListenIsNeverReady() async throws {
        let manager = try ServiceManagerStub()
        var environment = try Self.listenerEnvironment(manager)
        let other = try ListenerFixture()
        environment["APIS_PORT"] = "\(other.api.endpoint.port)"
        try DaemonProcess(.listener, environment: environment).expectExit(1)
        #expect(throws: SocketError.self) { try manager.receive(timeout: .zero) }
    }

    @Test func aConnectorIsReadyWhenItDialsAndSaysWhereTo() async throws {
        let listener = try ListenerFixture()
        let manager = try ServiceManagerStub()
        var options = ConnectorFixture.Options()
        options.environment = manager.environment
        _ = try ConnectorFixture(options, listenerPort: listener.quicEndpoint.port)
        let address = "localhost, UDP port \(listener.quicEndpoint.port)"
        #expect(try manager.waitForLine("READY=1") == ["READY=1", "STATUS=dialling \(address)"])
        try manager.waitForLine("STATUS=connected to \(address)")
    }

    @Test func bothFeedTheWatchdog() async throws {
        let (listenerManager, connectorManager) = try (
            ServiceManagerStub(watchdogMicroseconds: 200_000), ServiceManagerStub(watchdogMicroseconds: 200_000)
        )
        let options = Tunnel.Options { options in
            options.listener.environment = listenerManager.environment
            options.connector.environment = connectorManager.environment
        }
        try await withTunnel(options) { _ in
            for manager in [listenerManager, connectorManager] {
                for _ in 0..<3 {
                    try manager.waitForLine("WATCHDOG=1")
                }
            }
        }
    }

    @Test func bothSayThatTheyEnd() async throws {
        let (listenerManager, connectorManager) = try (ServiceManagerStub(), ServiceManagerStub())
        let options = Tunnel.Options { options in
            options.listener.environment = listenerManager.environment
            options.connector.environment = connectorManager.environment
        }
        try await withTunnel(options) { tunnel in
            for (process, manager) in [
                (tunnel.connector.process, connectorManager), (tunnel.listener.process, listenerManager),
            ] {
                process.terminate()
                try manager.waitForLine("STOPPING=1")
                try process.expectExit(0)
            }
        }
    }

    @Test func aManagerThatDoesNotTakeNotificationsIsDoneWithout() async throws {
        let manager = try ServiceManagerStub(watchdogMicroseconds: 20_000)
        manager.close()
        let options = Tunnel.Options { $0.listener.environment = manager.environment }
        try await withTunnel(options) { tunnel in
            try tunnel.listener.process.waitForLine(containing: "the service manager cannot be notified")
            #expect(tunnel.listener.process.lines(containing: "cannot be notified").count == 1)
        }
    }

    private static func listenerEnvironment(_ manager: ServiceManagerStub) throws -> [String: String] {
        var options = ListenerFixture.Options()
        options.environment = manager.environment
        return try ListenerFixture.environment(options)
    }
}
