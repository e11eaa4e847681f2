import NIOCore
import Testing

@testable import Shared

@Suite("PacketRun")
struct PacketRunTests {
    private let scratch = DatagramScratch()
    private let path: NetworkPath

    init() throws {
        path = NetworkPath(
            local: try SocketAddress(ipAddress: "127.0.0.1", port: 1),
            remote: try SocketAddress(ipAddress: "127.0.0.2", port: 2)
        )
        // The library writes each packet's path there.
        scratch.path.update(from: path.storage, count: 1)
    }

    private func build(_ run: inout PacketRun, _ byte: UInt8, count: Int, ecn: UInt8 = 0) {
        run.next.update(repeating: byte, count: count)
        run.append(packetBytes: count, ecn: ecn)
    }

    @Test func packetsOfOneSizeBecomeOneRun() throws {
        var run = PacketRun(scratch: scratch)
        for byte in 1...3 as ClosedRange<UInt8> {
            #expect(run.accepts(packetBytes: 100, ecn: 2))
            build(&run, byte, count: 100, ecn: 2)
            #expect(!run.isComplete)
        }
        let finished = run.take()
        let taken = try #require(finished)
        #expect(taken.segmentBytes == 100)
        #expect(taken.ecn == 2)
        #expect(Array(taken.bytes) == (1...3).flatMap { [UInt8](repeating: $0, count: 100) })
        let nothing = run.take()
        #expect(nothing?.bytes.count == nil)
    }

    @Test func aShorterPacketIsTheLast() throws {
        var run = PacketRun(scratch: scratch)
        build(&run, 1, count: 100)
        #expect(run.accepts(packetBytes: 40, ecn: 0))
        build(&run, 2, count: 40)
        #expect(run.isComplete)
        let finished = run.take()
        let taken = try #require(finished)
        #expect(taken.bytes.count == 140)
        #expect(taken.segmentBytes == 100)
    }

    @Test func aLongerPacketOrAnotherMarkStartsTheNextRun() throws {
        var run = PacketRun(scratch: scratch)
        build(&run, 1, count: 100, ecn: 1)
        #expect(!run.accepts(packetBytes: 101, ecn: 1))
        #expect(!run.accepts(packetBytes: 100, ecn: 0))
        // It was built at `next` already, and stays where it is.
        run.next.update(repeating: 9, count: 101)
        let first = run.take()
        #expect(first.map { Array($0.bytes) } == [UInt8](repeating: 1, count: 100))
        run.append(packetBytes: 101, ecn: 1)
        let rest = run.take()
        let second = try #require(rest)
        #expect(Array(second.bytes) == [UInt8](repeating: 9, count: 101))
        #expect(second.segmentBytes == 101)
    }

    @Test func anotherPathStartsTheNextRun() throws {
        let other = NetworkPath(local: path.local, remote: try SocketAddress(ipAddress: "127.0.0.3", port: 2))
        var run = PacketRun(scratch: scratch)
        build(&run, 1, count: 100)
        scratch.path.update(from: other.storage, count: 1)
        #expect(!run.accepts(packetBytes: 100, ecn: 0))
        scratch.path.update(from: path.storage, count: 1)
        #expect(run.accepts(packetBytes: 100, ecn: 0))
    }

    @Test func aRunHasAtMostAsManySegmentsAsTheKernelTakes() {
        var run = PacketRun(scratch: scratch)
        for _ in 0..<63 {
            build(&run, 0, count: 10)
        }
        #expect(!run.isComplete)
        build(&run, 0, count: 10)
        #expect(run.isComplete)
    }

    @Test func roomShrinksUntilTheRunIsRewound() {
        var run = PacketRun(scratch: scratch)
        let room = run.roomBytes
        build(&run, 0, count: 1000)
        #expect(run.roomBytes == room - 1000)
        _ = run.take()
        #expect(run.roomBytes == room - 1000)
        run.rewind()
        #expect(run.roomBytes == room)
    }
}
