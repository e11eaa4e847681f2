/// What can go wrong with a process that a test starts; the text carries what the process wrote.
package enum ProcessError: Error, CustomStringConvertible {
    case binaryMissing(name: String, folder: String)
    case cannotStart(path: String, errno: Int32, text: String)
    case noSuchLine(process: String, wanted: [String], exit: ExitStatus?, log: String)
    case noMetadata(key: String, line: String)
    case stillRunning(process: String, after: Duration, log: String)
    case failed(command: String, exit: ExitStatus, output: String)
    case unreadableStatus(pid: Int32, field: String)

    package var description: String {
        switch self {
        case .binaryMissing(let name, let folder):
            "\(name) is missing in \(folder): build it first with `swift build --build-tests`, "
                + "or name the folder that holds it in SOCKET_WARP_BINARIES"
        case .cannotStart(let path, _, let text):
            "cannot start \(path): \(text)"
        case .noSuchLine(let process, let wanted, let exit, let log):
            "\(process) wrote no line with \(wanted) (\(exit.map { "it ended: \($0)" } ?? "it still runs")):\n\(log)"
        case .noMetadata(let key, let line):
            "no metadata \(key) in the line: \(line)"
        case .stillRunning(let process, let duration, let log):
            "\(process) still runs after \(duration):\n\(log)"
        case .failed(let command, let exit, let output):
            "`\(command)` failed (\(exit)):\n\(output)"
        case .unreadableStatus(let pid, let field):
            "cannot read \(field) of process \(pid)"
        }
    }
}
