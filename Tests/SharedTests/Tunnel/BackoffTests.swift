import NIOCore
import Shared
import TestSupport
import Testing

@Suite("Backoff")
struct BackoffTests {
    /// Always gives its largest number, and so the longest wait.
    private struct Largest: RandomNumberGenerator {
        mutating func next() -> UInt64 { .max }
    }

    /// The ceilings of the first waits, in milliseconds.
    static let ceilings: [Int64] = [200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000, 30000]

    @Test func ceilingsDoubleUpToTheLast() {
        var backoff = Backoff()
        var generator = SplitMix64(state: 1)
        for ceiling in Self.ceilings.map(TimeAmount.milliseconds) {
            #expect(backoff.nextCeiling == ceiling)
            let wait = backoff.next(using: &generator)
            #expect(backoff.currentCeiling == ceiling)
            #expect(wait >= .zero && wait <= ceiling)
        }
    }

    @Test func theCeilingItselfCanCome() {
        var backoff = Backoff()
        var generator = Largest()
        let waits = Self.ceilings.map { _ in backoff.next(using: &generator) }
        #expect(waits == Self.ceilings.map { .milliseconds($0) })
    }

    @Test func thereIsNoCeilingBeforeTheFirstWait() {
        #expect(Backoff().currentCeiling == .zero)
    }

    @Test(arguments: 0..<20)
    func resettingBeginsAnew(waits: Int) {
        var backoff = Backoff()
        var generator = SplitMix64(state: 2)
        for _ in 0..<waits {
            _ = backoff.next(using: &generator)
        }
        backoff.reset()
        #expect(backoff == Backoff())
    }

    @Test func waitsAreSpreadOverTheWholeRange() {
        var generator = SplitMix64(state: 3)
        var tenths = [Int](repeating: 0, count: 10)
        for _ in 0..<10_000 {
            var backoff = Backoff()
            let wait = backoff.next(using: &generator)
            tenths[min(9, Int(wait.nanoseconds / 20_000_000))] += 1
        }
        #expect(tenths.allSatisfy { (800...1200).contains($0) }, "\(tenths)")
    }

    @Test func theSameSeedGivesTheSameWaits() {
        var one = Backoff()
        var other = Backoff()
        var generators = (SplitMix64(state: 4), SplitMix64(state: 4))
        for _ in 0..<20 {
            #expect(one.next(using: &generators.0) == other.next(using: &generators.1))
        }
    }

    /// Base and ceiling in nanoseconds; the sums of some do not fit.
    static let extremes: [(Int64, Int64)] = [
        (1, .max), (.max, .max), (.max / 2, .max), (.max / 2 + 1, .max), (.max, 1), (3, 7), (1, 1),
        (200_000_000, 30_000_000_000),
    ]

    @Test(arguments: extremes)
    func neverOverflowsHoweverOftenItIsAsked(base: Int64, ceiling: Int64) {
        var backoff = Backoff(base: .nanoseconds(base), ceiling: .nanoseconds(ceiling))
        var generator = SplitMix64(state: 5)
        var last = TimeAmount.zero
        for _ in 0..<10_000 {
            let wait = backoff.next(using: &generator)
            #expect(wait >= .zero && wait <= backoff.currentCeiling)
            #expect(backoff.currentCeiling >= last)
            last = backoff.currentCeiling
        }
        #expect(last == .nanoseconds(ceiling))
    }

    @Test func aBaseAboveTheCeilingIsCutToIt() {
        #expect(Backoff(base: .seconds(60)).nextCeiling == .seconds(30))
    }
}
