import Glibc
import Logging
import NIOCore
import ServiceLifecycle
import Shared
import TestSupport
import Testing

/// Each test is a process of its own, because the frame owns its process's signals and its end.
@Suite("DaemonProgram")
struct DaemonProgramTests {
    @Test func aSignalEndsTheServicesGently() async throws {
        let result = try await #require(processExitsWith: .exitCode(0), observing: [\.standardErrorContent]) {
            try await DaemonProgram.run(name: "test", logLevel: .info, environment: [:]) { program in
                try await program.serve([.init(service: Obedient())], drain: .seconds(30))
            }
            exit(0)
        }
        let log = String(decoding: result.standardErrorContent, as: UTF8.self)
        #expect(log.contains("shutting down"))
        #expect(log.contains("stopped"))
        #expect(!log.contains("at once"))
    }

    @Test func aSecondSignalEndsServicesThatHang() async throws {
        let result = try await #require(processExitsWith: .exitCode(0), observing: [\.standardErrorContent]) {
            try await DaemonProgram.run(name: "test", logLevel: .info, environment: [:]) { program in
                try await program.serve([.init(service: Stubborn(blocksThreads: false))], drain: .seconds(3600))
            }
            exit(1)
        }
        #expect(
            String(decoding: result.standardErrorContent, as: UTF8.self).contains("stopped at once: a second signal")
        )
    }

    @Test func aSecondSignalEndsAProcessWhoseEveryThreadIsStuck() async throws {
        let result = try await #require(processExitsWith: .exitCode(0), observing: [\.standardErrorContent]) {
            try await DaemonProgram.run(name: "test", logLevel: .info, environment: [:]) { program in
                program.dataLoop.execute { sleep(3600) }
                try await program.serve([.init(service: Stubborn(blocksThreads: true))], drain: .seconds(3600))
            }
            exit(1)
        }
        #expect(
            String(decoding: result.standardErrorContent, as: UTF8.self).contains("stopped at once: a second signal")
        )
    }

    @Test func aSecondSignalCancelsWhatWaits() async throws {
        let result = try await #require(processExitsWith: .exitCode(0), observing: [\.standardErrorContent]) {
            try await DaemonProgram.run(name: "test", logLevel: .info, environment: [:]) { program in
                try await program.serve([.init(service: Draining())], drain: .seconds(3600)) {
                    program.logger.info("sessions closed")
                }
            }
            exit(0)
        }
        let log = String(decoding: result.standardErrorContent, as: UTF8.self)
        #expect(log.contains("sessions closed"))
        #expect(log.contains("drain cut off"))
        #expect(log.contains("stopped at once: a second signal"))
    }

    @Test func aServiceThatFailsEndsTheProgramWithItsError() async throws {
        await #expect(processExitsWith: .exitCode(3)) {
            do {
                try await DaemonProgram.run(name: "test", logLevel: .info, environment: [:]) { program in
                    try await program.serve([.init(service: Failing())], drain: .zero)
                }
            } catch is Failing.Failure {
                exit(3)
            }
            exit(1)
        }
    }
}

/// Asks for the end and ends when it is told to.
private struct Obedient: Service {
    func run() async throws {
        kill(getpid(), SIGTERM)
        try await gracefulShutdown()
    }
}

/// Asks for the end, twice, and does not obey.
private struct Stubborn: Service {
    let blocksThreads: Bool

    func run() async throws {
        kill(getpid(), SIGTERM)
        kill(getpid(), SIGINT)
        if blocksThreads {
            for _ in 0..<sysconf(Int32(_SC_NPROCESSORS_ONLN)) {
                Task { sleep(3600) }
            }
            sleep(3600)
        }
        await withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in }
    }
}

/// Asks for the end again while it drains, which ends only when it is cancelled.
private struct Draining: Service {
    func run() async throws {
        kill(getpid(), SIGTERM)
        try await gracefulShutdown()
        kill(getpid(), SIGTERM)
        do {
            try await Task.sleep(for: .seconds(3600))
        } catch {
            _ = "drain cut off\n".withCString { write(STDERR_FILENO, $0, strlen($0)) }
            throw error
        }
    }
}

private struct Failing: Service {
    struct Failure: Error {}

    func run() async throws {
        throw Failure()
    }
}
