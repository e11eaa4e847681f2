import Foundation

/// What to start: a program, its surroundings, and where its output goes.
struct SpawnRequest: Sendable {
    var executable: String
    var arguments: [String] = []
    /// The complete environment; nothing is inherited.
    var environment: [String: String] = [:]
    var workingDirectory: String?
    /// The most files that the process may open (`ulimit -n`); `nil` leaves the limit of the tests.
    var openFileLimit: Int?
    /// The network namespace to run in; `nil` is that of the tests.
    var network: NetworkNamespace?
    var standardOutput: Int32
    var standardError: Int32

    /// The words that `posix_spawn` gets.
    ///
    /// `setpriv` makes the kernel end the process when the tests die, however they die, `prlimit` sets the limit, `ip`
    /// enters the namespace and `env` the folder; each replaces itself by the next, so the program's pid is the one
    /// that was spawned.
    var commandLine: [String] {
        var words: [String] = []
        if FileManager.default.isExecutableFile(atPath: Self.setpriv) {
            words += [Self.setpriv, "--pdeathsig", "KILL", "--"]
        }
        if let openFileLimit {
            words += [Self.prlimit, "--nofile=\(openFileLimit):\(openFileLimit)", "--"]
        }
        if let network {
            // A namespace is made with the same program, so it is there.
            words += [NetworkNamespaces.program ?? "ip", "netns", "exec", network.name]
        }
        if let workingDirectory {
            words += [Self.env, "--chdir=\(workingDirectory)"]
        }
        return words + [executable] + arguments
    }

    private static let setpriv = "/usr/bin/setpriv"
    private static let env = "/usr/bin/env"
    private static let prlimit = "/usr/bin/prlimit"
}
