/// Runs a program to its end and takes its output, for tools such as `openssl`.
package enum CommandLineTool {
    /// Runs the program; throws with all it wrote unless it exits with 0. Returns the lines of its standard output.
    @discardableResult
    package static func run(
        _ executable: String,
        _ arguments: [String],
        environment: [String: String] = [:],
        timeout: Duration = Deadline.patience
    ) throws -> [String] {
        let process = try DaemonProcess(path: executable, arguments: arguments, environment: environment)
        let status = try process.waitForExit(timeout: timeout)
        guard status == .exited(0) else {
            throw ProcessError.failed(
                command: ([executable] + arguments).joined(separator: " "),
                exit: status,
                output: (process.outputLines + process.errorLines).joined(separator: "\n")
            )
        }
        return process.outputLines
    }
}
