import TestSupport
import Testing

/// Bytes arrive as they were sent: every one of them, in order, and nothing else.
@Suite("Transfers", .heavyEndToEnd)
struct TransferTests {
    /// As much as the issue asks for, in each direction.
    private static let byteCount = 100_000_000
    private static let patience = Duration.seconds(240)

    @Test func anUploadArrivesByteForByte() async throws {
        try await withTunnel { tunnel in
            let (visitor, target) = try tunnel.relay()
            let pattern = BytePattern(byteCount: Self.byteCount, seed: 1)
            try await transfer(pattern, from: visitor, to: target, timeout: Self.patience)
        }
    }

    @Test func aDownloadArrivesByteForByte() async throws {
        try await withTunnel { tunnel in
            let (visitor, target) = try tunnel.relay()
            let pattern = BytePattern(byteCount: Self.byteCount, seed: 2)
            try await transfer(pattern, from: target, to: visitor, timeout: Self.patience)
        }
    }

    @Test(arguments: TunnelProtocol.allCases)
    func bothDirectionsAtOnceArriveByteForByte(applicationProtocol: TunnelProtocol) async throws {
        try await withTunnel(Tunnel.Options(speaking: applicationProtocol)) { tunnel in
            let (visitor, target) = try tunnel.relay()
            let up = BytePattern(byteCount: Self.byteCount, seed: 3)
            let down = BytePattern(byteCount: Self.byteCount, seed: 4)
            async let upload: Void = transfer(up, from: visitor, to: target, timeout: Self.patience)
            async let download: Void = transfer(down, from: target, to: visitor, timeout: Self.patience)
            _ = try await (upload, download)
        }
    }

    @Test(arguments: TunnelProtocol.allCases)
    func messagesOfOneByteGoBackAndForth(applicationProtocol: TunnelProtocol) async throws {
        try await withTunnel(Tunnel.Options(speaking: applicationProtocol)) { tunnel in
            let (visitor, target) = try tunnel.relay()
            for number in 0..<200 {
                let byte = UInt8(truncatingIfNeeded: number)
                try visitor.send([byte])
                #expect(try target.receive(exactly: 1) == [byte])
                try target.send([~byte])
                #expect(try visitor.receive(exactly: 1) == [~byte])
            }
        }
    }

    @Test(arguments: TunnelProtocol.allCases)
    func splitSmallWritesArriveInOrder(applicationProtocol: TunnelProtocol) async throws {
        try await withTunnel(Tunnel.Options(speaking: applicationProtocol)) { tunnel in
            let (visitor, target) = try tunnel.relay()
            for number in 0..<100 {
                try visitor.send("request ")
                try visitor.send("number ")
                try visitor.send("\(number + 1000)")
                #expect(try target.receive(exactly: 19) == Array("request number \(number + 1000)".utf8))
                try target.send("ok")
                #expect(try visitor.receive(exactly: 2) == Array("ok".utf8))
            }
        }
    }

    @Test(arguments: TunnelProtocol.allCases)
    func anEmptyConnectionEndsAsOne(applicationProtocol: TunnelProtocol) async throws {
        try await withTunnel(Tunnel.Options(speaking: applicationProtocol)) { tunnel in
            let (visitor, target) = try tunnel.relay()
            try visitor.finish()
            try target.expectToReceive(Received("", .finished))
            try target.finish()
            try visitor.expectToReceive(Received("", .finished))
        }
    }
}
