import NIOCore
import Shared
import TestSupport
import Testing

@Suite("QUICEndpoint and QUICConnection: garbage")
struct GarbageTests {
    /// Whoever sent it knows nothing: random bytes of any length, and damaged pieces of real datagrams.
    private struct Garbage {
        var generator: SplitMix64
        let samples: [[UInt8]]

        mutating func next() -> [UInt8] {
            switch generator.next(upperBound: UInt64(4)) {
            case 0:
                return random(count: Int(generator.next(upperBound: UInt64(1500))))
            case 1:
                // The shape of a long header of version 1, of any type.
                let type = UInt8(truncatingIfNeeded: generator.next()) | 0xc0
                return [type, 0, 0, 0, 1] + random(count: Int(generator.next(upperBound: UInt64(1400))))
            case 2:
                return Array(sample().prefix(Int(generator.next(upperBound: UInt64(1300)))))
            default:
                var bytes = sample()
                for _ in 0...generator.next(upperBound: UInt64(8)) where !bytes.isEmpty {
                    let index = Int(generator.next(upperBound: UInt64(bytes.count)))
                    bytes[index] ^= UInt8(truncatingIfNeeded: generator.next(upperBound: UInt64(255)) + 1)
                }
                return bytes
            }
        }

        private mutating func random(count: Int) -> [UInt8] {
            (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
        }

        private mutating func sample() -> [UInt8] {
            samples.isEmpty ? [] : samples[Int(generator.next(upperBound: UInt64(samples.count)))]
        }
    }

    /// Collects what two ends say to each other.
    private final class Recorder {
        var datagrams: [[UInt8]] = []
    }

    private func recordedPair(_ recorder: Recorder) throws -> ConnectionPair {
        let pair = try ConnectionPair(.trusting())
        pair.network.tamper = { bytes, _ in
            recorder.datagrams.append(bytes)
            return bytes
        }
        try pair.completeHandshake()
        let id = try pair.client.connection.openStream()
        pair.client.connection.send(ByteBuffer(repeating: 1, count: 50_000), finish: false, on: id)
        try pair.advance(by: .seconds(2))
        pair.network.tamper = nil
        return pair
    }

    /// A server's endpoint without a connection, and a path to it.
    private func lonelyServer() throws -> (QUICEndpoint<Recorder>, NetworkPath) {
        let random = RandomSource(SplitMix64(state: 10))
        let endpoint = QUICEndpoint<Recorder>(
            random: random,
            keys: EndpointKeys(random: random),
            limits: HalfOpenLimits(retryThreshold: 1000, maximum: 1000)
        )
        let path = try NetworkPath(
            local: NIOCore.SocketAddress(ipAddress: "127.0.0.1", port: 1),
            remote: NIOCore.SocketAddress(ipAddress: "127.0.0.2", port: 2)
        )
        return (endpoint, path)
    }

    @Test func anEndpointRoutesAHundredThousandPiecesOfGarbage() throws {
        let recorder = Recorder()
        _ = try recordedPair(recorder)
        let (endpoint, path) = try lonelyServer()
        var garbage = Garbage(generator: SplitMix64(state: 11), samples: recorder.datagrams)
        var outcomes: Set<String> = []
        var amplified = 0
        for _ in 0..<100_000 {
            let datagram = garbage.next()
            let route = datagram.withUnsafeBytes {
                endpoint.route($0, path: path, now: QUICTime(nanoseconds: 1_000_000_000))
            }
            switch route {
            case .connection: Issue.record("there is no connection")
            case .attempt: outcomes.insert("attempt")
            case .reply(let answer):
                outcomes.insert("reply")
                amplified += answer.count > datagram.count ? 1 : 0
            case .drop(let reason): outcomes.insert("\(reason)")
            }
        }
        #expect(amplified == 0, "an answer is longer than what caused it")
        #expect(outcomes.isSuperset(of: ["attempt", "reply", "malformed", "notAnInitial"]))
    }

    @Test func aServerAnswersNoVersionNegotiation() throws {
        let (endpoint, path) = try lonelyServer()
        let now = QUICTime(nanoseconds: 1_000_000_000)
        for (destinationBytes, form) in [(0, UInt8(0x80)), (18, 0x80), (18, 0x40)] {
            // RFC 9000 §17.2.1: an ID each, then versions. With the other form bit, a short header.
            let ids = [UInt8(destinationBytes)] + [UInt8](repeating: 7, count: destinationBytes) + [0]
            let datagram = [form, 0, 0, 0, 0] + ids + [UInt8](repeating: 1, count: 100)
            let route = datagram.withUnsafeBytes { endpoint.route($0, path: path, now: now) }
            switch route {
            case .drop(.malformed): #expect(form == 0x80)
            case .reply: #expect(form == 0x40, "only a short header is answered with a stateless reset")
            default: Issue.record("\(route)")
            }
        }
    }

    @Test(arguments: ConnectionSide.allCases)
    func anEmptyDatagramIsNothing(side: ConnectionSide) throws {
        let pair = try ConnectionPair(.trusting())
        try pair.completeHandshake()
        try pair.deliver([], to: side)
        try pair.advance(by: .seconds(1))
        #expect(pair.client.closure == nil)
        #expect(try pair.requireServer().closure == nil)
    }

    @Test(arguments: ConnectionSide.allCases)
    func aLiveConnectionDoesNotNoticeGarbage(side: ConnectionSide) throws {
        let recorder = Recorder()
        let pair = try recordedPair(recorder)
        let server = try pair.requireServer()
        var garbage = Garbage(generator: SplitMix64(state: 12), samples: recorder.datagrams)
        // Whatever still looks like a client's first packet must not make a new server here.
        pair.serverEndpoint.halfOpenCount = 1_000_000
        let eventCounts = (pair.client.events.count, server.events.count)
        for round in 0..<20_000 {
            try pair.deliver(garbage.next(), to: side)
            if round.isMultiple(of: 1000) {
                try pair.advance(by: .milliseconds(1))
            }
        }
        pair.network.conditions = .perfect
        try pair.advance(by: .seconds(1))
        #expect(pair.client.events.count == eventCounts.0)
        #expect(server.events.count == eventCounts.1)
        #expect(pair.client.closure == nil)
        #expect(server.closure == nil)
        let id = try pair.client.connection.openStream()
        pair.client.connection.send(ByteBuffer(string: "still here"), finish: true, on: id)
        #expect(try pair.advance(by: .seconds(5)) { server.finishedStreams.contains(id) })
    }

    @Test(arguments: 1...3 as ClosedRange<UInt64>)
    func damagedDatagramsOnlyCostTime(seed: UInt64) throws {
        var configuration = try ConnectionPair.Configuration.trusting()
        configuration.seed = seed
        let pair = try ConnectionPair(configuration)
        try pair.completeHandshake()
        let server = try pair.requireServer()
        var generator = SplitMix64(state: seed)
        pair.network.tamper = { bytes, _ in
            var bytes = bytes
            if generator.next(upperBound: UInt64(10)) == 0, !bytes.isEmpty {
                bytes[Int(generator.next(upperBound: UInt64(bytes.count)))] ^= 0x10
            }
            return bytes
        }
        let pattern = BytePattern(byteCount: 300_000, seed: seed)
        let id = try pair.client.connection.openStream()
        let bytes = ByteBuffer(bytes: pattern.bytes(at: 0, count: pattern.byteCount))
        pair.client.connection.send(bytes, finish: true, on: id)
        try pair.advance(by: .seconds(120)) { server.finishedStreams.contains(id) }
        let received = server.received[id] ?? []
        #expect(received.count == pattern.byteCount)
        #expect(received.withUnsafeBytes { pattern.firstMismatch(in: $0, at: 0) } == nil)
        #expect(pair.client.closure == nil)
    }
}
