import NIOCore
import Shared
import Testing

@Suite("QUICTime")
struct QUICTimeTests {
    @Test func addsAndSubtracts() {
        let time = QUICTime(nanoseconds: 5_000)
        #expect(time + .nanoseconds(7) == QUICTime(nanoseconds: 5_007))
        #expect(time + .nanoseconds(-7) == QUICTime(nanoseconds: 4_993))
        #expect(time + .zero == time)
    }

    @Test func saturatesAtBothEnds() {
        let latest = QUICTime(nanoseconds: .max)
        #expect(latest + .nanoseconds(1) == latest)
        #expect(QUICTime(nanoseconds: .max - 1) + .nanoseconds(.max) == latest)
        let earliest = QUICTime(nanoseconds: 0)
        #expect(earliest + .nanoseconds(-1) == earliest)
        #expect(QUICTime(nanoseconds: 10) + .nanoseconds(.min) == earliest)
        #expect(QUICTime(nanoseconds: 10) + .nanoseconds(-10) == earliest)
    }

    @Test func isOrdered() {
        #expect(QUICTime(nanoseconds: 1) < QUICTime(nanoseconds: 2))
        #expect(!(QUICTime(nanoseconds: 2) < QUICTime(nanoseconds: 2)))
    }
}
