import Foundation
import Glibc
import Logging
import NIOCore
import NIOPosix
import Testing

@testable import Shared

@Suite("TimeSlice")
struct TimeSliceTests {
    @Test(.enabled(if: kernelHasSlices, "needs Linux 6.12 or newer, and /proc/thread-self/sched"))
    func isGrantedToTheThreadThatAsksAndItsNiceValueStays() throws {
        let (slice, nice) = try onThreadOfItsOwn {
            setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 5)
            TimeSlice.request(.milliseconds(7))
            return (try #require(grantedSlice()), getpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0))
        }

        #expect(slice == .milliseconds(7))
        #expect(nice == 5)
        #expect(grantedSlice() != .milliseconds(7))
    }

    @Test
    func leavesAThreadOfAnotherPolicyAlone() throws {
        let (before, after) = try onThreadOfItsOwn {
            var none = sched_param()
            #expect(sched_setscheduler(0, idlePolicy, &none) == 0)
            let before = (sched_getscheduler(0), grantedSlice())
            TimeSlice.request(.milliseconds(7))
            return (before, (sched_getscheduler(0), grantedSlice()))
        }

        #expect(before.0 == idlePolicy)
        #expect(after == before)
    }

    @Test(.enabled(if: kernelHasSlices, "needs Linux 6.12 or newer, and /proc/thread-self/sched"))
    func isThatOfTheDataPath() async throws {
        // A process of its own: the program's frame takes over the signals.
        try await #require(processExitsWith: .exitCode(0)) {
            try await DaemonProgram.run(name: "test", logLevel: .critical, environment: [:]) { program in
                let slice = try await program.dataLoop.submit { grantedSlice() }.get()
                exit(slice == TimeSlice.ofDataPath ? 0 : 1)
            }
        }
    }
}

private let idlePolicy: CInt = 5  // SCHED_IDLE of sched(7)

private let kernelHasSlices: Bool = {
    let version = ProcessInfo.processInfo.operatingSystemVersion
    return (version.majorVersion, version.minorVersion) >= (6, 12) && grantedSlice() != nil
}()

/// What the kernel gives the calling thread.
private func grantedSlice() -> TimeAmount? {
    guard let report = try? String(contentsOfFile: "/proc/thread-self/sched", encoding: .utf8),
        let line = report.split(separator: "\n").first(where: { $0.hasPrefix("se.slice ") }),
        let nanoseconds = line.split(separator: " ").last.flatMap({ Int64($0) })
    else { return nil }
    return .nanoseconds(nanoseconds)
}

/// What a thread asks for stays with it: none of the test runner's may be used.
private func onThreadOfItsOwn<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) throws -> Result {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    defer { try? group.syncShutdownGracefully() }
    return try group.next().submit(body).wait()
}
