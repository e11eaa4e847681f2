import Shared
import Testing

@Suite("ForwardPort")
struct ForwardPortTests {
    @Test func onlyZeroMeansAnyFreePort() {
        #expect(ForwardPort(0).isAnyFree)
        #expect(ForwardPort(0) == .anyFree)
        #expect(!ForwardPort(1).isAnyFree)
    }

    @Test func portsAreOrderedAndWrittenAsNumbers() {
        #expect([ForwardPort(9000), ForwardPort(80)].sorted() == [ForwardPort(80), ForwardPort(9000)])
        #expect("\(ForwardPort(65_535))" == "65535")
    }
}
