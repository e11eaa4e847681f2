import Foundation

/// The programs under test, as the build made them.
package enum TestBinary: String, CaseIterable, Sendable {
    case listener = "sw-listener"
    case connector = "sw-connector"

    /// The program's path: next to the running test bundle, whichever `--scratch-path`, configuration or sanitizer it
    /// was built with, or in the folder that the environment variable `SOCKET_WARP_BINARIES` names.
    package func path() throws -> String {
        let folder =
            ProcessInfo.processInfo.environment["SOCKET_WARP_BINARIES"]
            ?? URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().path
        let path = folder + "/" + rawValue
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw ProcessError.binaryMissing(name: rawValue, folder: folder)
        }
        return path
    }
}
