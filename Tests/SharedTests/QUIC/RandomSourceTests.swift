import TestSupport
import Testing

@testable import Shared

@Suite("RandomSource")
struct RandomSourceTests {
    @Test(arguments: 0...40)
    func fillsExactlyWhatItIsGiven(count: Int) {
        var memory = [UInt8](repeating: 0xee, count: count + 2)
        let random = RandomSource(SplitMix64(state: 1))
        memory.withUnsafeMutableBytes { random.fill(UnsafeMutableRawBufferPointer(rebasing: $0[1..<(count + 1)])) }
        #expect(memory.first == 0xee)
        #expect(memory.last == 0xee)
        #expect(memory.dropFirst().dropLast().elementsEqual(RandomSource(SplitMix64(state: 1)).bytes(count)))
    }

    @Test func repeatsForTheSameSeedOnly() {
        #expect(RandomSource(SplitMix64(state: 1)).bytes(100) == RandomSource(SplitMix64(state: 1)).bytes(100))
        #expect(RandomSource(SplitMix64(state: 1)).bytes(100) != RandomSource(SplitMix64(state: 2)).bytes(100))
    }

    @Test func everyByteVaries() {
        let random = RandomSource(SplitMix64(state: 3))
        let samples = (0..<100).map { _ in random.bytes(19) }
        for index in 0..<19 {
            #expect(Set(samples.map { $0[index] }).count > 20)
        }
    }

    @Test func connectionIDsHaveTheIssuedLengthAndDiffer() {
        let random = RandomSource(SplitMix64(state: 4))
        let ids = (0..<1000).map { _ in random.connectionID() }
        #expect(Set(ids).count == 1000)
        #expect(ids.allSatisfy { $0.count == QUICConnectionID.issuedLength })
    }
}
