import Foundation
import Glibc

/// A real program under test, running: its log, its signals, its end. It never outlives the test.
package final class DaemonProcess: Sendable {
    /// The program's name, for messages.
    package let name: String
    private let child: ChildProcess
    private let standardError: OutputPipe
    private let standardOutput: OutputPipe

    /// Starts a program under test.
    ///
    /// - Parameters:
    ///   - environment: its whole environment, besides what a sanitizer or the dynamic linker needs.
    ///   - openFileLimit: the most files that it may open; `nil` leaves the limit of the tests.
    ///   - network: the network namespace to run it in; `nil` is that of the tests.
    package convenience init(
        _ binary: TestBinary,
        arguments: [String] = [],
        environment: [String: String] = [:],
        workingDirectory: String? = nil,
        openFileLimit: Int? = nil,
        network: NetworkNamespace? = nil
    ) throws {
        try self.init(
            path: try binary.path(),
            arguments: arguments,
            environment: environment,
            workingDirectory: workingDirectory,
            openFileLimit: openFileLimit,
            network: network
        )
    }

    /// Starts any program, such as the Python that plays the other end.
    package init(
        path: String,
        arguments: [String] = [],
        environment: [String: String] = [:],
        workingDirectory: String? = nil,
        openFileLimit: Int? = nil,
        network: NetworkNamespace? = nil
    ) throws {
        let name = URL(fileURLWithPath: path).lastPathComponent
        let archive = LogArchive.open(for: name)
        let standardError = try OutputPipe { archive?.append($0) }
        let standardOutput = try OutputPipe { archive?.append($0) }
        defer {
            standardError.closeWriter()
            standardOutput.closeWriter()
        }
        self.name = name
        self.standardError = standardError
        self.standardOutput = standardOutput
        child = try ChildProcess(
            SpawnRequest(
                executable: path,
                arguments: arguments,
                environment: Self.inheritedEnvironment.merging(environment) { $1 },
                workingDirectory: workingDirectory,
                openFileLimit: openFileLimit,
                network: network,
                standardOutput: standardOutput.writer,
                standardError: standardError.writer
            )
        )
        TestLifetime.keep(self)
    }

    package var pid: Int32 { child.pid }

    /// What it has written to standard error, where the log goes.
    package var errorLines: [String] { standardError.lines }

    /// What it has written to standard output.
    package var outputLines: [String] { standardOutput.lines }

    package var isRunning: Bool { child.exitStatus == nil }

    /// Waits for a log line that holds all of `parts`, among those already written too.
    @discardableResult
    package func waitForLine(containing parts: String..., timeout: Duration = Deadline.patience) throws -> LogLine {
        let line = standardError.waitForLine(until: .after(timeout)) { line in parts.allSatisfy(line.contains) }
        guard let line else {
            throw ProcessError.noSuchLine(process: name, wanted: parts, exit: exitSoon, log: recentLog)
        }
        return LogLine(line)
    }

    /// Waits for a line of standard output that starts with `prefix`, and returns what follows it.
    package func waitForOutput(prefix: String, timeout: Duration = Deadline.patience) throws -> String {
        let line = standardOutput.waitForLine(until: .after(timeout)) { $0.hasPrefix(prefix) }
        guard let line else {
            let log = (outputLines.suffix(20) + [recentLog]).joined(separator: "\n")
            throw ProcessError.noSuchLine(process: name, wanted: [prefix], exit: exitSoon, log: log)
        }
        return String(line.dropFirst(prefix.count))
    }

    /// The log lines so far that hold `part`.
    package func lines(containing part: String) -> [LogLine] {
        errorLines.filter { $0.contains(part) }.map(LogLine.init)
    }

    /// Asks the process to end (SIGTERM).
    package func terminate() {
        child.send(SIGTERM)
    }

    /// Asks the process to end, as Ctrl-C does (SIGINT).
    package func interrupt() {
        child.send(SIGINT)
    }

    /// Sends a signal that the program knows what to do with.
    package func send(_ signal: Int32) {
        child.send(signal)
    }

    /// Ends the process at once (SIGKILL).
    package func kill() {
        child.send(SIGKILL)
    }

    /// Waits for the process's end. All it wrote can be read then.
    package func waitForExit(timeout: Duration = Deadline.patience) throws -> ExitStatus {
        let deadline = Deadline.after(timeout)
        guard let status = child.waitForExit(until: deadline) else {
            throw ProcessError.stillRunning(process: name, after: timeout, log: recentLog)
        }
        standardError.waitForEnd(until: deadline)
        standardOutput.waitForEnd(until: deadline)
        return status
    }

    /// The end of what it wrote to standard error, for the text of a failure.
    package var recentLog: String {
        errorLines.suffix(40).map { "    \(name)| \($0)" }.joined(separator: "\n")
    }

    /// The exit status for the text of a failure: a process that has closed its outputs is given time to be reaped.
    private var exitSoon: ExitStatus? {
        child.waitForExit(until: .after(.milliseconds(500)))
    }

    /// Only what finding libraries and programs and reporting from a sanitizer need: a setting of the person who runs
    /// the tests must not reach the program.
    private static let inheritedEnvironment = ProcessInfo.processInfo.environment.filter { name, _ in
        name == "PATH" || name == "HOME" || name == "LD_LIBRARY_PATH" || name.hasSuffix("SAN_OPTIONS")
    }
}
