import Foundation
import Glibc
import Logging
import NIOCore
import Synchronization
import Testing

@testable import Shared

@Suite("TimeSlice")
struct TimeSliceTests {
    @Test(.enabled(if: kernelHasSlices, "needs Linux 6.12 or newer, and /proc/thread-self/sched"))
    func isGrantedToTheThreadThatAsksAndItsNiceValueStays() throws {
        let (wasTaken, slice, nice) = try onThreadOfItsOwn {
            _ = setpriority(thisThread, 0, 19)
            return (TimeSlice.request(.milliseconds(7)), grantedSlice(), getpriority(thisThread, 0))
        }

        #expect(wasTaken)
        #expect(slice == .milliseconds(7))
        #expect(nice == 19)
        #expect(grantedSlice() != .milliseconds(7))
    }

    @Test func isNotAskedForByAThreadOfAnotherPolicy() throws {
        let (wasTaken, policy) = try onThreadOfItsOwn {
            var none = sched_param()
            _ = sched_setscheduler(0, idlePolicy, &none)
            return (TimeSlice.request(.milliseconds(7)), sched_getscheduler(0))
        }

        #expect(!wasTaken)
        #expect(policy == idlePolicy)
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
private let thisThread = __priority_which_t(PRIO_PROCESS.rawValue)

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

/// A thread that ends with `body`: what it asks for stays with it, and with those that it starts.
private func onThreadOfItsOwn<Result: Sendable>(_ body: @escaping @Sendable () -> Result) throws -> Result {
    let result = Mutex<Result?>(nil)
    let hasEnded = DispatchSemaphore(value: 0)
    Thread.detachNewThread {
        let value = body()
        result.withLock { $0 = value }
        hasEnded.signal()
    }
    hasEnded.wait()
    return try #require(result.withLock { $0 })
}
