import Logging
import NIOPosix
import Shared
import TestSupport
import Testing

@Suite("ServiceNotifier")
struct ServiceNotifierTests {
    @Test(arguments: [false, true])
    func notificationsReachTheManager(isAbstract: Bool) throws {
        let manager = try ServiceManagerStub(isAbstract: isAbstract)
        let recorder = LogRecorder()
        let notifier = ServiceNotifier(environment: manager.environment, logger: recorder.logger())
        notifier.ready(status: "awaiting connectors")
        notifier.status("2 sessions")
        notifier.stopping()
        #expect(try manager.receive() == "READY=1\nSTATUS=awaiting connectors")
        #expect(try manager.receive() == "STATUS=2 sessions")
        #expect(try manager.receive() == "STOPPING=1\nSTATUS=shutting down")
        #expect(recorder.lines.isEmpty)
    }

    @Test func aStatusCannotSmuggleANotificationIn() throws {
        let manager = try ServiceManagerStub()
        let notifier = ServiceNotifier(environment: manager.environment, logger: LogRecorder().logger())
        notifier.status("a\nMAINPID=1" + String(repeating: "x", count: 10_000))
        let message = try manager.receive()
        #expect(message.hasPrefix("STATUS=a\u{FFFD}MAINPID=1xxx"))
        #expect(message.utf8.count <= 407)
    }

    @Test func theWatchdogIsFedFromTheEventLoopAgainAndAgain() async throws {
        let manager = try ServiceManagerStub(watchdogMicroseconds: 20_000)
        let notifier = ServiceNotifier(environment: manager.environment, logger: LogRecorder().logger())
        try await MultiThreadedEventLoopGroup.withEventLoopGroup(numberOfThreads: 1) { group in
            notifier.feedWatchdog(on: group.next())
            let notifications = try (0..<3).map { _ in try manager.receive() }
            #expect(notifications == ["WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1"])
        }
    }

    @Test func withoutAManagerNothingIsSentOrSaid() {
        let recorder = LogRecorder()
        let notifier = ServiceNotifier(environment: ["WATCHDOG_USEC": "1000"], logger: recorder.logger())
        notifier.ready(status: "x")
        notifier.stopping()
        #expect(recorder.lines.isEmpty)
    }

    @Test func aManagerThatIsGoneIsComplainedOfOnce() throws {
        let manager = try ServiceManagerStub()
        let recorder = LogRecorder()
        let notifier = ServiceNotifier(environment: manager.environment, logger: recorder.logger())
        manager.close()
        notifier.ready(status: "x")
        notifier.status("y")
        notifier.stopping()
        #expect(recorder.lines.map(\.message) == ["the service manager cannot be notified"])
        #expect(recorder.lines(at: .warning).count == 1)
    }

    @Test func aVariableThatCannotBeUsedIsComplainedOf() {
        let recorder = LogRecorder()
        _ = ServiceNotifier(environment: ["NOTIFY_SOCKET": "nowhere"], logger: recorder.logger())
        #expect(
            recorder.lines(at: .warning).map { "\($0.metadata["error"] ?? "")" }.first?.hasPrefix("NOTIFY_SOCKET")
                == true
        )
    }
}
