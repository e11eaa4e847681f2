import TestSupport
import Testing

/// Two hundred restarts in a row, half of them crashes, leave nothing behind.
@Suite("Recovery: many restarts", .loneEndToEnd, .serialized)
struct ManyRestartsTests {
    private static let restartCount = 200
    /// Every so often a restart is waited for until visitors are served; the next one may come at any moment otherwise.
    private static let checkInterval = 10
    private static let maxGrowthBytes = 64 << 20

    @Test func ofTheConnector() async throws {
        let target = try EchoServer()
        // A crash costs the probe's time, which is a second by default: the test is to take less than a minute.
        let options = Tunnel.Options { $0.listener.environment["SWL_TAKEOVER_PROBE"] = "0.1" }
        try await withTunnel(options) { tunnel in
            let ports = try (0..<3).map { _ in try tunnel.open(target.endpoint) }
            for port in ports { try tunnel.checkEcho(through: port) }
            let footprint = try Footprint(of: tunnel.listener.process)
            var connector = tunnel.connector
            for number in 1...Self.restartCount {
                try connector.process.end(byCrash: number.isMultiple(of: 2))
                connector = try ConnectorFixture(listenerPort: tunnel.listener.quicEndpoint.port)
                try connector.waitUntilConnected()
                guard number.isMultiple(of: Self.checkInterval) else { continue }
                for port in ports { try EchoVisit.untilServed(port, until: .after(Deadline.patience)) }
            }
            try expectOnlyRunning([tunnel.listener.process, connector.process])
            try footprint.check(atMost: Self.maxGrowthBytes)
            #expect(try tunnel.listener.conditions() == ports.sorted().map { .served($0) })
        }
    }

    @Test func ofTheListener() async throws {
        let target = try EchoServer()
        // Nobody shall wait for the time to come back, a second by default: the test is to take less than a minute.
        let place = try ListenerPlace(["SWL_COME_BACK": "0"])
        var listener = try place.start()
        let connector = try ConnectorFixture(listenerPort: place.port)
        try listener.waitForSession(uid: "client-a")
        let ports = try (0..<3).map { _ in try listener.openFixed(target: target.endpoint) }
        for port in ports { try EchoVisit.untilServed(port, until: .after(Deadline.patience)) }
        let footprint = try Footprint(of: connector.process)
        var lossCount = 0
        for number in 1...Self.restartCount {
            try listener.process.end(byCrash: number.isMultiple(of: 2))
            listener = try place.start()
            guard number.isMultiple(of: Self.checkInterval) else { continue }
            for port in ports { try EchoVisit.untilServed(port, until: .after(Deadline.patience)) }
            let losses = connector.process.lines(containing: "dialling again soon").count
            #expect(Self.outlast(backoffAfter: losses - lossCount, connector.process))
            lossCount = losses
        }
        try expectOnlyRunning([listener.process, connector.process])
        try footprint.check(atMost: Self.maxGrowthBytes)
        #expect(try listener.conditions() == ports.sorted().map { .served($0) })
    }

    /// Lets a session live for longer than its connector may have waited before it, so that the backoff begins anew. A test
    /// that did not would spend its time on waits of half a minute.
    ///
    /// - Parameter lossCount: since the backoff began; the first wait is 200 ms at most, each further one twice as much.
    /// - Returns: whether the connector still runs.
    private static func outlast(backoffAfter lossCount: Int, _ connector: DaemonProcess) -> Bool {
        let ceiling = Duration.milliseconds(200 << min(max(lossCount - 1, 0), 7))
        return !Polling.wait(timeout: ceiling + .milliseconds(50)) { !connector.isRunning }
    }
}

extension DaemonProcess {
    /// Ends the program with SIGKILL or SIGTERM, and waits until it is gone.
    fileprivate func end(byCrash: Bool) throws {
        if byCrash {
            kill()
            _ = try waitForExit()
        } else {
            terminate()
            try expectExit(0)
        }
    }
}
