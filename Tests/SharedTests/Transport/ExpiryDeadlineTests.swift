import NIOCore
import Testing

@testable import Shared

struct ExpiryDeadlineTests {
    private var deadline = ExpiryDeadline()

    private func instant(_ milliseconds: Int64) -> QUICTime {
        QUICTime(nanoseconds: 1_000_000_000) + .milliseconds(milliseconds)
    }

    private mutating func follow(_ expiry: Int64?, granularity: Int64 = 5, now: Int64) -> QUICTime? {
        deadline.follow(expiry.map(instant), granularity: .milliseconds(granularity), now: instant(now))
        return deadline.instant
    }

    private mutating func isDue(_ milliseconds: Int64) -> Bool {
        deadline.take(now: instant(milliseconds))
    }

    @Test mutating func aLateExpiryIsItsOwnDeadline() {
        #expect(follow(25, now: 0) == instant(25))
        #expect(!isDue(24))
        #expect(isDue(25))
    }

    @Test mutating func anEarlyOneWaitsForTheGranularity() {
        #expect(follow(0, now: 0) == instant(5))
    }

    @Test mutating func eachNewOneWaitsAnew() {
        #expect(follow(0, now: 0) == instant(5))
        #expect(follow(4, now: 4) == instant(9))
        #expect(!isDue(5))
        #expect(isDue(9))
    }

    @Test mutating func oneThatIsNotHandledIsNotPutOffByDrives() {
        #expect(follow(1, now: 0) == instant(5))
        #expect(follow(1, now: 3) == instant(5))
        #expect(follow(1, now: 4) == instant(5))
        #expect(isDue(5))
    }

    @Test mutating func anOverdueOneThatChangesIsNotPutOffForEver() {
        var now: Int64 = 0
        repeat {
            _ = follow(now % 2, now: now)  // never the same twice
            now += 1
        } while now < 20 && !isDue(now)
        #expect(now == 10)
    }

    @Test mutating func aFinerGranularityBringsItForward() {
        #expect(follow(1, now: 0) == instant(5))
        #expect(follow(1, granularity: 1, now: 1) == instant(2))
        #expect(follow(1, now: 1) == instant(2))
    }

    @Test mutating func oneThatStaysAfterItWasHandledWaitsAgain() {
        #expect(follow(0, now: 0) == instant(5))
        #expect(isDue(5))
        #expect(!isDue(5))
        #expect(follow(0, now: 5) == instant(10))
    }

    @Test mutating func withoutAnExpiryNothingIsDue() {
        #expect(follow(1, now: 0) == instant(5))
        #expect(follow(nil, now: 1) == nil)
        #expect(!isDue(100))
    }
}
