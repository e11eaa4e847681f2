import TestSupport
import Testing

/// Running out of file descriptors is a pause, not an end.
@Suite("File descriptors", .endToEnd)
struct FileDescriptorTests {
    private static let openFileLimit = 128
    /// More than the limit lets in, and few enough that the rest fits into a backlog of 128.
    private static let visitorCount = 180

    @Test func aPortServesAgainAfterTheListenerRanOutOfDescriptors() async throws {
        let target = try EchoServer()
        try await withTunnel(Tunnel.Options { $0.listener.openFileLimit = Self.openFileLimit }) { tunnel in
            let port = try tunnel.open(target.endpoint)
            try tunnel.checkEcho(through: port)
            let listener = ProcessInspection(tunnel.listener.process)

            let visitors = try (0..<Self.visitorCount).map { _ in try tunnel.visit(port) }
            for visitor in visitors { try visitor.send("x") }
            // It takes what it can: nearly every descriptor that it may have is in use.
            #expect(try Polling.wait { try listener.openFileCount() > Self.openFileLimit - 16 })
            for visitor in visitors { visitor.close() }

            try tunnel.checkEcho(through: port)
            #expect(try tunnel.api.list().map(\.port) == [port])
        }
    }
}
