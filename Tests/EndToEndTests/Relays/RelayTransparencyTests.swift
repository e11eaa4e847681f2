import TestSupport
import Testing

/// A relay behaves like one TCP connection: each direction ends by itself, and an abort stays an abort.
@Suite("Relay transparency", .endToEnd)
struct RelayTransparencyTests {
    private static let patience = Duration.seconds(120)

    @Test(arguments: TunnelProtocol.allCases)
    func halfCloseFromVisitorReachesTargetAndItsReplyArrives(applicationProtocol: TunnelProtocol) async throws {
        try await withTunnel(Tunnel.Options(speaking: applicationProtocol)) { tunnel in
            let (visitor, target) = try tunnel.relay()
            try await transfer(BytePattern(byteCount: 100_000, seed: 1), from: visitor, to: target)
            try await transfer(BytePattern(byteCount: 100_000, seed: 2), from: target, to: visitor)
        }
    }

    @Test(arguments: TunnelProtocol.allCases)
    func halfCloseFromTargetLeavesTheUploadRunning(applicationProtocol: TunnelProtocol) async throws {
        try await withTunnel(Tunnel.Options(speaking: applicationProtocol)) { tunnel in
            let (visitor, target) = try tunnel.relay()
            try target.finish()
            try visitor.expectToReceive(Received("", .finished))
            let upload = BytePattern(byteCount: 20_000_000, seed: 3)
            try await transfer(upload, from: visitor, to: target, timeout: Self.patience)
        }
    }

    @Test(arguments: TunnelProtocol.allCases)
    func halfCloseInTheMiddleOfAnUploadLeavesItRunning(applicationProtocol: TunnelProtocol) async throws {
        try await withTunnel(Tunnel.Options(speaking: applicationProtocol)) { tunnel in
            let (visitor, target) = try tunnel.relay()
            let upload = BytePattern(byteCount: 20_000_000, seed: 4)
            async let uploaded: Void = transfer(upload, from: visitor, to: target, timeout: Self.patience)
            try target.send("thank you already")
            try target.finish()
            try visitor.expectToReceive(Received("thank you already", .finished))
            try await uploaded
        }
    }

    @Test(arguments: TunnelProtocol.allCases)
    func trafficBothWaysWithAFINAfterItArrivesComplete(applicationProtocol: TunnelProtocol) async throws {
        try await withTunnel(Tunnel.Options(speaking: applicationProtocol)) { tunnel in
            // Several times, since the original lost the last megabyte only now and then.
            for seed in 0..<4 as Range<UInt64> {
                let (visitor, target) = try tunnel.relay()
                let up = BytePattern(byteCount: 5_000_000, seed: 10 + seed)
                let down = BytePattern(byteCount: 5_000_000, seed: 20 + seed)
                async let upload: Void = transfer(up, from: visitor, to: target, timeout: Self.patience)
                async let download: Void = transfer(down, from: target, to: visitor, timeout: Self.patience)
                _ = try await (upload, download)
            }
        }
    }

    @Test(arguments: TunnelProtocol.allCases)
    func resetFromVisitorReachesTargetAsAReset(applicationProtocol: TunnelProtocol) async throws {
        try await withTunnel(Tunnel.Options(speaking: applicationProtocol)) { tunnel in
            let (visitor, target) = try tunnel.relay()
            try visitor.send("start")
            #expect(try target.receive(exactly: 5) == Array("start".utf8))
            try visitor.reset()
            try target.expectToReceive(Received("", .reset))
        }
    }

    @Test(arguments: TunnelProtocol.allCases)
    func resetFromTargetReachesVisitorAsAReset(applicationProtocol: TunnelProtocol) async throws {
        try await withTunnel(Tunnel.Options(speaking: applicationProtocol)) { tunnel in
            let (visitor, target) = try tunnel.relay()
            try target.send("start")
            #expect(try visitor.receive(exactly: 5) == Array("start".utf8))
            try target.reset()
            try visitor.expectToReceive(Received("", .reset))
        }
    }

    @Test(arguments: TunnelProtocol.allCases)
    func resetInTheMiddleOfADownloadStopsTheTarget(applicationProtocol: TunnelProtocol) async throws {
        try await withTunnel(Tunnel.Options(speaking: applicationProtocol)) { tunnel in
            let (visitor, target) = try tunnel.relay()
            async let sent: Void = target.sendUntilReset(timeout: Self.patience)
            _ = try visitor.receive(exactly: 1_000_000)
            try visitor.reset()
            // The target's stream of bytes must be stopped by an RST: no silence, no FIN.
            try await sent
        }
    }

    @Test(arguments: TunnelProtocol.allCases)
    func earlyReplyDuringAnUploadIsDelivered(applicationProtocol: TunnelProtocol) async throws {
        try await withTunnel(Tunnel.Options(speaking: applicationProtocol)) { tunnel in
            let reply = BytePattern(byteCount: 10_000, seed: 6).bytes(at: 0, count: 10_000)
            for _ in 0..<5 {
                let (visitor, target) = try tunnel.relay()
                // It ends with the RST that the target's close causes, since the upload was not read to its end.
                async let uploadStopped: Void = visitor.sendUntilReset(timeout: Self.patience)
                _ = try target.receive(exactly: 65_536)
                try target.send(reply)
                target.close()
                #expect(try visitor.receiveToEnd().bytes == reply)
                try await uploadStopped
            }
        }
    }

    @Test(arguments: TunnelProtocol.allCases)
    func finThenResetFromVisitorStopsTheTarget(applicationProtocol: TunnelProtocol) async throws {
        try await withTunnel(Tunnel.Options(speaking: applicationProtocol)) { tunnel in
            let (visitor, target) = try tunnel.relay()
            try visitor.send("request")
            try visitor.finish()
            try target.expectToReceive(Received("request", .finished))
            try visitor.reset()
            try target.sendUntilReset()
        }
    }

    @Test(arguments: TunnelProtocol.allCases)
    func aVisitorThatHasSaidAllBeforeItIsAcceptedIsHeard(applicationProtocol: TunnelProtocol) async throws {
        try await withTunnel(Tunnel.Options(speaking: applicationProtocol)) { tunnel in
            let acceptor = try TCPAcceptor()
            let port = try tunnel.open(acceptor.endpoint)
            for _ in 0..<20 {
                let visitor = try tunnel.visit(port)
                try visitor.send("request")
                try visitor.finish()
                let target = try acceptor.accept()
                try target.expectToReceive(Received("request", .finished))
                try target.send("reply")
                target.close()
                try visitor.expectToReceive(Received("reply", .finished))
            }
        }
    }

    @Test(arguments: TunnelProtocol.allCases)
    func aVisitorThatLeavesWithAResetAtOnceNeverLooksFinished(applicationProtocol: TunnelProtocol) async throws {
        try await withTunnel(Tunnel.Options(speaking: applicationProtocol)) { tunnel in
            let acceptor = try TCPAcceptor()
            let port = try tunnel.open(acceptor.endpoint)
            for number in 0..<40 {
                let visitor = try tunnel.visit(port)
                if number.isMultiple(of: 2) {
                    try visitor.send("request")
                }
                try visitor.reset()
                #expect(try acceptor.accept().receiveToEnd().end == .reset)
            }
        }
    }

    @Test(arguments: TunnelProtocol.allCases)
    func finThenResetFromTargetStopsTheVisitor(applicationProtocol: TunnelProtocol) async throws {
        try await withTunnel(Tunnel.Options(speaking: applicationProtocol)) { tunnel in
            let (visitor, target) = try tunnel.relay()
            try target.send("reply")
            try target.finish()
            try visitor.expectToReceive(Received("reply", .finished))
            try target.reset()
            try visitor.sendUntilReset()
        }
    }
}
