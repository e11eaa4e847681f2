import Testing

@testable import Shared

@Suite struct HeapTrimPolicyTests {
    private var policy = HeapTrimPolicy(worthwhileBytes: 100)

    @Test mutating func whatLiesFreeBetweenTwoLooksIsGivenBackOnce() {
        #expect(trims(after: [20, 300, 300, 300, 310]) == [false, false, true, false, false])
    }

    @Test mutating func whatIsUsedAgainInTimeIsKept() {
        #expect(trims(after: [300, 20, 300, 30]) == [false, false, false, false])
    }

    @Test mutating func littleIsKept() {
        #expect(trims(after: [99, 99, 99]) == [false, false, false])
    }

    @Test mutating func theNextBurstIsGivenBackToo() {
        #expect(trims(after: [300, 300, 20, 300, 300]) == [false, true, false, false, true])
    }

    private mutating func trims(after looks: [Int]) -> [Bool] {
        looks.map { policy.shouldTrim(freeBytes: $0) }
    }
}
