import TestSupport
import Testing

@testable import Shared

@Suite("DatagramRun")
struct DatagramRunTests {
    private static let ours: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8]
    private static let another: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 9]

    /// A datagram of 12 bytes, as long as the run's segments.
    private static func datagram(_ firstByte: UInt8, _ id: [UInt8]) -> [UInt8] {
        [firstByte] + id + [0xaa, 0xbb, 0xcc]
    }

    private static let short = datagram(0x40, ours)
    /// Of the same connection, with other bits in the part of the first byte that is not the form.
    private static let sameID = datagram(0x7f, ours)
    private static let otherID = datagram(0x40, another)
    private static let long = datagram(0xc0, ours)

    /// How many datagrams each piece has that is taken out of the run.
    private func pieces(of run: [UInt8]) -> [Int] {
        run.withUnsafeBytes { bytes in
            var datagrams = DatagramRun(bytes, segmentBytes: 12)
            var counts: [Int] = []
            while !datagrams.isEmpty {
                counts.append(datagrams.takeThoseOfOneConnection().reduce(0) { count, _ in count + 1 })
            }
            return counts
        }
    }

    @Test(
        arguments: [
            ([short], [1]),
            ([short, sameID, short], [3]),
            ([short, otherID, short], [1, 1, 1]),
            ([short, sameID, otherID, otherID], [2, 2]),
            ([short, long, short], [1, 1, 1]),
            ([long, long], [1, 1]),
            ([short, Array(short.prefix(9))], [2]),
            ([short, Array(short.prefix(8))], [1, 1]),
            ([short, [0x40]], [1, 1]),
            ([[0x40]], [1]),
            ([], []),
        ] as [([[UInt8]], [Int])]
    )
    func onlyShortHeadersWithTheSameConnectionIDStayTogether(run: [[UInt8]], expected: [Int]) {
        #expect(pieces(of: run.flatMap { $0 }) == expected)
    }

    @Test func theIDsThatWeIssueAreComparedWhole() {
        #expect(QUICConnectionID.issuedLength == MemoryLayout<UInt64>.size)
    }

    @Test func datagramsShorterThanAHeaderStayApart() {
        let run = [UInt8](repeating: 0, count: 24)
        run.withUnsafeBytes { bytes in
            var datagrams = DatagramRun(bytes, segmentBytes: 8)
            #expect(datagrams.takeThoseOfOneConnection().map { $0.count } == [8])
        }
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func everyByteIsInOneDatagramAndInOrder(seed: UInt64) {
        var generator = SplitMix64(state: seed)
        let count = Int(generator.next(upperBound: UInt64(300)))
        let segmentBytes = 1 + Int(generator.next(upperBound: UInt64(40)))
        // Few values, so that connection IDs repeat.
        let run = (0..<count).map { _ in UInt8(generator.next(upperBound: UInt64(2))) }
        run.withUnsafeBytes { bytes in
            var datagrams = DatagramRun(bytes, segmentBytes: segmentBytes)
            var taken: [[UInt8]] = []
            while !datagrams.isEmpty {
                taken += datagrams.takeThoseOfOneConnection().map { Array($0) }
            }
            #expect(taken.flatMap { $0 } == run)
            #expect(taken.dropLast().allSatisfy { $0.count == segmentBytes })
            #expect(taken.count == (count + segmentBytes - 1) / segmentBytes)
        }
    }
}
