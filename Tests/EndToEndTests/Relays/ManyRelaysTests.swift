import TestSupport
import Testing

/// A connector serves as many relays as its visitors want, far beyond the original's hundred.
@Suite("Many relays", .loneEndToEnd)
struct ManyRelaysTests {
    private static let relayCount = 1000
    private static let portCount = 4
    private static let patience = Duration.seconds(120)

    @Test func aThousandRelaysOverFourPortsEchoAtOnceAndEnd() async throws {
        // Two sockets a relay in this process.
        try #require(OpenFileLimit.raise() > Self.relayCount * 3, "`ulimit -n` is too low for this test")
        let target = try EchoServer()
        try await withTunnel { tunnel in
            let listener = ProcessInspection(tunnel.listener.process)
            let connector = ProcessInspection(tunnel.connector.process)
            var ports: [Int] = []
            for _ in 0..<Self.portCount { ports.append(try tunnel.open(target.endpoint)) }
            try tunnel.checkEcho(through: ports[0])
            let idleFiles = (listener: try listener.openFileCount(), connector: try connector.openFileCount())

            let visitors = try (0..<Self.relayCount).map { try tunnel.visit(ports[$0 % Self.portCount]) }
            for (number, visitor) in visitors.enumerated() {
                try visitor.send(Self.words(of: number), timeout: Self.patience)
            }
            for (number, visitor) in visitors.enumerated() {
                let expected = Self.words(of: number)
                #expect(try visitor.receive(exactly: expected.count, timeout: Self.patience) == expected)
            }
            // Every relay has answered and none has ended: they are all open now.
            #expect(try listener.openFileCount() >= Self.relayCount)
            #expect(try connector.openFileCount() >= Self.relayCount)

            for visitor in visitors { try visitor.finish() }
            for visitor in visitors {
                try visitor.expectToReceive(Received("", .finished), timeout: Self.patience)
            }
            // Nothing is left of them, give or take what the programs opened for themselves meanwhile.
            #expect(try Polling.wait { try listener.openFileCount() <= idleFiles.listener + 8 })
            #expect(try Polling.wait { try connector.openFileCount() <= idleFiles.connector + 8 })
            #expect(try Set(tunnel.api.list().map(\.port)) == Set(ports))
            for port in ports { try tunnel.checkEcho(through: port) }
        }
    }

    private static func words(of number: Int) -> [UInt8] {
        Array("I am visitor \(number) of \(relayCount), and nobody else.".utf8)
    }
}
