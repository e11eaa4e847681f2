import NIOCore
import Shared
import Testing

@Suite("LogBudget")
struct LogBudgetTests {
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000)

    private func taken(_ budget: inout LogBudget, of count: Int, at time: NIODeadline) -> Int {
        (0..<count).count { _ in budget.take(now: time) }
    }

    @Test func soManyLinesMayComeAtOnce() {
        var budget = LogBudget(maximum: 5, interval: .seconds(1), now: start)
        #expect(taken(&budget, of: 100, at: start) == 5)
    }

    @Test func anotherOneMayComeAfterEachInterval() {
        var budget = LogBudget(maximum: 5, interval: .seconds(1), now: start)
        _ = taken(&budget, of: 5, at: start)
        #expect(taken(&budget, of: 3, at: start + .milliseconds(999)) == 0)
        #expect(taken(&budget, of: 3, at: start + .milliseconds(1000)) == 1)
        #expect(taken(&budget, of: 3, at: start + .milliseconds(2500)) == 1)
        #expect(taken(&budget, of: 3, at: start + .milliseconds(3000)) == 1)
    }

    @Test func silenceFillsItNoFurtherThanItsMaximum() {
        var budget = LogBudget(maximum: 5, interval: .seconds(1), now: start)
        _ = taken(&budget, of: 5, at: start)
        #expect(taken(&budget, of: 100, at: start + .hours(24 * 365)) == 5)
    }
}
