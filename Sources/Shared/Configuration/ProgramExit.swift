internal import Glibc

/// How a program tells a person why it does not run.
package enum ProgramExit {
    /// Writes one line to standard error: `sw-listener: SWL_PORT="x" is not a number; use …`.
    package static func complain(program: String, _ problem: any Error) {
        let line = "\(program): \("\(problem)".singleLine(limit: 1000))\n"
        _ = line.withCString { write(STDERR_FILENO, $0, strlen($0)) }
    }
}
