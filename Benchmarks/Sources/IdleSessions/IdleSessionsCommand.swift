import ArgumentParser
import NIOCore
import NIOPosix
import Shared
import TestSupport

/// Measures what an idle session takes in a listener that it starts itself. The last line of the output is JSON.
@main
struct IdleSessionsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "idle-sessions",
        abstract: "Measures the resident memory that each idle session takes in a listener."
    )

    /// So many dial at one time: fewer than a listener's threshold for Retry.
    private static let batch = 50
    /// A listener that has taken no memory for so long has settled.
    private static let restTime = Duration.seconds(3)

    @Option(help: "The listener's program.")
    var listener: String

    @Option(help: "Sessions, each of a client UID of its own.")
    var sessions = 500

    func validate() throws {
        guard sessions > 0 else { throw ValidationError("--sessions takes a number above zero.") }
    }

    func run() async throws {
        _ = OpenFileLimit.raise()
        try await ScratchFolder.with("idle-sessions") { folder in
            var options = ListenerFixture.Options()
            options.environment["SWL_STATE_PATH"] = folder.file("state.sqlite")
            let environment = try ListenerFixture.environment(options)
            try await measure(try DaemonProcess(path: listener, environment: environment))
        }
    }

    private func measure(_ process: DaemonProcess) async throws {
        let line = try process.waitForLine(containing: "listening for connectors")
        let endpoint = try HostPort(parsing: line.metadata("quic.address"))
        let address = try SocketAddress(ipAddress: endpoint.host, port: endpoint.port)
        let eventLoop = MultiThreadedEventLoopGroup.singleton.next()

        // The first sessions pay for what all of them share: for the pages of code, too, that the listener gives back some
        // seconds after its start (MemoryKeeper).
        try await Task.sleep(for: .seconds(4))
        var held = try await dial(0..<Self.batch, address, on: eventLoop)
        let residentBefore = try await settledResidentBytes(of: process)
        let end = Self.batch + sessions
        for start in stride(from: Self.batch, to: end, by: Self.batch) {
            held += try await dial(start..<min(start + Self.batch, end), address, on: eventLoop)
        }
        let residentAfter = try await settledResidentBytes(of: process)

        guard process.isRunning, !process.errorLines.contains(where: { $0.contains("session ended") }) else {
            throw SessionsWereLost(log: process.recentLog)
        }
        let kibibytes = Double(residentAfter - residentBefore) / Double(sessions) / 1024
        print("{\"sessions\": \(held.count - Self.batch), \"kib_per_session\": \(kibibytes)}")
        process.kill()
    }

    /// Sessions of the client UIDs with these numbers, once all of them have been admitted.
    private func dial(
        _ numbers: Range<Int>,
        _ listener: SocketAddress,
        on eventLoop: any EventLoop
    ) async throws -> [NIOLoopBound<LoadSession>] {
        let pki = try ThrowAwayPKI.perRun()
        let dials = try numbers.map { number in
            let tls = try pki.tls(.client("idle-\(number)"), expecting: .server(.address("127.0.0.1")))
            return eventLoop.flatSubmit { LoadSession.dial(listener, tls: tls, on: eventLoop) }
        }
        return try await EventLoopFuture.whenAllSucceed(dials, on: eventLoop).get()
    }

    private func settledResidentBytes(of process: DaemonProcess) async throws -> Int {
        let inspection = ProcessInspection(process)
        var last = try inspection.residentBytes()
        while true {
            try await Task.sleep(for: Self.restTime)
            let now = try inspection.residentBytes()
            guard now > last else { return now }
            last = now
        }
    }
}

/// Sessions that ended while they were counted.
struct SessionsWereLost: Error {
    let log: String
}
