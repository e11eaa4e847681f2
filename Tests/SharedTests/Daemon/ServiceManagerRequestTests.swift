import NIOCore
import Testing

@testable import Shared

@Suite("ServiceManagerRequest")
struct ServiceManagerRequestTests {
    private func request(_ environment: [String: String]) -> ServiceManagerRequest {
        ServiceManagerRequest(environment: environment, processID: 42)
    }

    @Test func nothingIsAskedForWithoutTheVariables() {
        let request = request(["PATH": "/bin"])
        #expect(request.socket == nil)
        #expect(request.feedInterval == nil)
        #expect(request.problems.isEmpty)
    }

    @Test(arguments: [
        "/run/systemd/notify", "@/org/freedesktop/systemd1/notify", "/" + String(repeating: "a", count: 106),
    ])
    func aPathOrAnAbstractNameIsASocket(name: String) {
        let request = request(["NOTIFY_SOCKET": name])
        #expect(request.socket != nil)
        #expect(request.problems.isEmpty)
    }

    @Test(arguments: ["", "/", "@", "notify", "vsock:2:1234", "/a\u{0}b", "/" + String(repeating: "a", count: 107)])
    func anotherNameIsAProblem(name: String) {
        let request = request(["NOTIFY_SOCKET": name, "WATCHDOG_USEC": "1000000"])
        #expect(request.socket == nil)
        #expect(request.feedInterval == nil)
        #expect(request.problems.map(\.setting) == ["NOTIFY_SOCKET"])
    }

    @Test(arguments: [
        ("30000000", TimeAmount.seconds(15)),
        ("200000", .milliseconds(100)),
        ("1", .milliseconds(10)),
        ("\(Int.max)", .hours(1)),
    ])
    func theWatchdogIsFedTwiceInItsTimeWithinBounds(microseconds: String, interval: TimeAmount) {
        let request = request(["NOTIFY_SOCKET": "/run/notify", "WATCHDOG_USEC": microseconds])
        #expect(request.feedInterval == interval)
        #expect(request.problems.isEmpty)
    }

    @Test(arguments: ["", "0", "-1", "1.5", "infinity", "99999999999999999999"])
    func anotherTimeIsAProblem(microseconds: String) {
        let request = request(["NOTIFY_SOCKET": "/run/notify", "WATCHDOG_USEC": microseconds])
        #expect(request.feedInterval == nil)
        #expect(request.problems.map(\.setting) == ["WATCHDOG_USEC"])
    }

    @Test(arguments: [(nil, true), ("42", true), ("43", false), ("x", false)] as [(String?, Bool)])
    func theWatchdogOfAnotherProcessIsNotFed(processID: String?, isFed: Bool) {
        var environment = ["NOTIFY_SOCKET": "/run/notify", "WATCHDOG_USEC": "1000000"]
        environment["WATCHDOG_PID"] = processID
        #expect((request(environment).feedInterval != nil) == isFed)
    }
}
