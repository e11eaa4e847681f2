import Shared
import Synchronization
import Testing

@Suite("Readiness")
struct ReadinessTests {
    @Test func theLastPartMakesItReadyOnce() {
        let calls = Mutex(0)
        let readiness = Readiness(awaiting: ["a", "b"]) { calls.withLock { $0 += 1 } }
        readiness.reached("a")
        readiness.reached("a")
        readiness.reached("unknown")
        #expect(calls.withLock { $0 } == 0)
        readiness.reached("b")
        #expect(calls.withLock { $0 } == 1)
        readiness.reached("b")
        #expect(calls.withLock { $0 } == 1)
    }
}
