import NIOCore
import Testing

@testable import Shared

@Suite("StreamWindow")
struct StreamWindowTests {
    private static let roundTrip = TimeAmount.milliseconds(10)
    private var window = StreamWindow(byteCount: 1000, maximumByteCount: 3000)
    private var now = QUICTime(nanoseconds: 1_000_000_000)

    @Test mutating func aSlowReaderGivesBackWhatItTook() {
        for _ in 0..<10 {
            #expect(credit(600, after: .milliseconds(20)) == 600)
        }
        #expect(window.byteCount == 1000)
    }

    @Test mutating func aQuickReadersWindowDoublesUpToTheLimit() {
        #expect(credit(500, after: .zero) == 500)
        #expect(credit(500, after: .milliseconds(19)) == 1500)
        #expect(window.byteCount == 2000)
        #expect(credit(1000, after: .milliseconds(1)) == 2000)
        #expect(window.byteCount == 3000)
        #expect(credit(1500, after: .milliseconds(1)) == 1500)
    }

    @Test mutating func halfAWindowInSmallPiecesIsAStepToo() {
        #expect(credit(500, after: .zero) == 500)
        for _ in 0..<4 {
            #expect(credit(100, after: .milliseconds(1)) == 100)
        }
        #expect(credit(100, after: .milliseconds(1)) == 1100)
    }

    @Test mutating func theWindowGrowsByNoMoreThanIsLeft() {
        #expect(credit(500, after: .zero) == 500)
        #expect(credit(500, after: .milliseconds(1), growingAtMost: 300) == 800)
        #expect(window.byteCount == 1300)
        #expect(window.grownBytes == 300)
        #expect(credit(1300, after: .milliseconds(1), growingAtMost: -1) == 1300)
        #expect(window.grownBytes == 300)
    }

    private mutating func credit(_ count: Int, after pause: TimeAmount, growingAtMost most: Int = .max) -> Int {
        now = now + pause
        return window.credit(for: count, growingAtMost: most, now: now, roundTrip: Self.roundTrip)
    }
}
