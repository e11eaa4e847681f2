import Foundation
import TestSupport
import Testing

/// The other end as the original plays it: Python scripts on a QUIC stack that nobody here wrote (`Tests/Interop`).
enum InteropPeer {
    /// What the tests say when they cannot run.
    static let hint: Comment = """
        SOCKET_WARP_INTEROP_PYTHON is not set: it names a Python that has the packages of Tests/Interop/requirements.txt
        """

    /// The Python to run the scripts with; `nil` when the person who runs the tests named none.
    static let python = ProcessInfo.processInfo.environment["SOCKET_WARP_INTEROP_PYTHON"]

    /// The original's connector, dialling `listener` under the throw-away certificate that `request` asks for; `nil`
    /// shows none.
    static func connector(
        to listener: ListenerFixture,
        certificate request: CertificateRequest? = .client("client-a"),
        _ more: [String] = []
    ) throws -> DaemonProcess {
        let pki = try ThrowAwayPKI.perRun()
        let files = try request.map(pki.certificate)
        return try start(
            "original_connector.py",
            ["--host", listener.quicEndpoint.host, "--port", "\(listener.quicEndpoint.port)"]
                + ["--server-name", "localhost", "--ca", pki.caPath]
                + (files.map { ["--cert", $0.certificatePath, "--key", $0.keyPath] } ?? []) + more
        )
    }

    /// The original's listener on a free port, which relays every visitor to `target`; and its UDP port.
    static func listener(target: HostPort, _ more: [String] = []) throws -> (process: DaemonProcess, port: Int) {
        let pki = try ThrowAwayPKI.perRun()
        let files = try pki.certificate(.server())
        let process = try start(
            "original_listener.py",
            ["--port", "0", "--target", "\(target)", "--ca", pki.caPath]
                + ["--cert", files.certificatePath, "--key", files.keyPath] + more
        )
        return (process, try number(process.waitForOutput(prefix: "LISTENING ")))
    }

    /// Throws datagrams at a listener that no honest client would send, and returns how it answered.
    static func attack(_ listener: ListenerFixture) throws -> HostileVerdict {
        let process = try start("hostile_datagrams.py", ["--port", "\(listener.quicEndpoint.port)"])
        let status = try process.waitForExit(timeout: .seconds(120))
        guard status == .exited(0), let line = process.outputLines.last else {
            throw ProcessError.failed(command: "hostile_datagrams.py", exit: status, output: process.recentLog)
        }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(HostileVerdict.self, from: Data(line.utf8))
    }

    /// A line's number.
    static func number(_ text: String) throws -> Int {
        guard let number = Int(text) else { throw SocketError.malformed("not a number: \(text)") }
        return number
    }

    /// Runs one of the scripts.
    static func start(_ script: String, _ arguments: [String]) throws -> DaemonProcess {
        guard let python else { throw SocketError.malformed("\(hint)") }
        return try DaemonProcess(
            path: python,
            arguments: [scripts.appendingPathComponent(script).path] + arguments,
            environment: ["PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"]
        )
    }

    /// `Tests/Interop`, seen from this file.
    private static let scripts = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../Interop").standardizedFileURL
}

/// What `hostile_datagrams.py` says about a listener; its own text explains the members.
struct HostileVerdict: Decodable {
    let versionNegotiation: Int
    let statelessResets: Int
    let largestResetVsTrigger: Double?
    let retries: Int
    let invalidRetries: Int
    let maxAmplification: Double
}
