import Foundation
import Glibc

/// A bad path for datagrams: `Tests/Interop/lossy_path.py` between a connector and its listener.
package final class LossyPath: Sendable {
    /// What happens to datagrams in either direction.
    package struct Conditions: Sendable, CustomStringConvertible {
        /// The parts, 0 to 1, that are lost, doubled and overtaken by others.
        package var loss = 0.0
        package var duplication = 0.0
        package var reordering = 0.0
        /// How long a datagram takes one way.
        package var delay = Duration.zero
        package var seed = 1

        package init() {}

        /// The defaults, which change nothing, with one or more things changed.
        package init(_ change: (inout Conditions) -> Void) {
            change(&self)
        }

        package var description: String {
            "\(loss * 100) % lost, \(duplication * 100) % doubled, \(reordering * 100) % reordered, \(delay)"
        }

        fileprivate var arguments: [String] {
            ["--loss", "\(loss)", "--duplication", "\(duplication)", "--reordering", "\(reordering)"]
                + ["--delay", "\(delay / .milliseconds(1))", "--seed", "\(seed)"]
        }
    }

    /// Where clients send what is for the server.
    package let endpoint: HostPort
    private let process: DaemonProcess

    /// Starts a path that clients enter at `address`, in the network namespace of the tests.
    package init(from address: String, to server: HostPort, _ conditions: Conditions = Conditions()) throws {
        process = try DaemonProcess(
            path: Self.python,
            arguments: [Self.script, "--listen", "\(HostPort(host: address, port: 0))", "--server", "\(server)"]
                + conditions.arguments,
            environment: ["PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"]
        )
        endpoint = try HostPort(parsing: process.waitForOutput(prefix: "READY "))
    }

    /// Makes the server see every client at another port, as a NAT does that has forgotten them.
    package func rebind() throws {
        process.send(SIGUSR1)
        _ = try process.waitForOutput(prefix: "REBOUND ")
    }

    /// Swallows everything until `pass()`. To be called once.
    package func fallSilent() throws {
        process.send(SIGUSR2)
        _ = try process.waitForOutput(prefix: "SILENT")
    }

    /// Passes datagrams again.
    package func pass() throws {
        process.send(SIGUSR2)
        _ = try process.waitForOutput(prefix: "PASSING")
    }

    /// The Python of the interoperability peers, or the system's: the script needs nothing but the standard library.
    private static let python =
        ProcessInfo.processInfo.environment["SOCKET_WARP_INTEROP_PYTHON"] ?? "/usr/bin/python3"

    /// The script, seen from this file.
    private static let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../Interop/lossy_path.py").standardizedFileURL.path
}
