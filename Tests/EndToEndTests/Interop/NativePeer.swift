import TestSupport
import Testing

/// The other end of `warp/1`, written from docs/wire-protocol.md on a QUIC stack that nobody here wrote.
enum NativePeer {
    /// A connector that dials `listener`.
    static func connector(
        to listener: ListenerFixture,
        uid: String = "client-a",
        _ more: [String] = []
    ) throws -> DaemonProcess {
        try InteropPeer.start(
            "native_connector.py",
            ["--host", listener.quicEndpoint.host, "--port", "\(listener.quicEndpoint.port)"]
                + ["--server-name", "localhost"] + (try credentials(.client(uid))) + more
        )
    }

    /// A listener on a free port, which relays every visitor to `target`; and its UDP port.
    static func listener(target: HostPort, _ more: [String] = []) throws -> (process: DaemonProcess, port: Int) {
        try listening("native_listener.py", target: target, more)
    }

    /// A listener that breaks the rules in many ways and behaves in the end; and its UDP port.
    static func hostileListener(target: HostPort, seed: Int) throws -> (process: DaemonProcess, port: Int) {
        try listening("native_fuzz_listener.py", target: target, ["--seed", "\(seed)"])
    }

    /// Connectors that break the rules in many ways, one after the other, with visitors of their own on `visitorPort`,
    /// a forward to `uid`.
    static func hostileConnectors(
        to listener: ListenerFixture,
        uid: String,
        visitorPort: Int,
        seed: Int
    ) throws -> DaemonProcess {
        try InteropPeer.start(
            "native_fuzz_connector.py",
            ["--host", listener.quicEndpoint.host, "--port", "\(listener.quicEndpoint.port)", "--seed", "\(seed)"]
                + ["--visitor-port", "\(visitorPort)"] + (try credentials(.client(uid)))
        )
    }

    private static func listening(
        _ script: String,
        target: HostPort,
        _ more: [String]
    ) throws -> (process: DaemonProcess, port: Int) {
        let process = try InteropPeer.start(
            script,
            ["--port", "0", "--target", "\(target)"] + (try credentials(.server())) + more
        )
        return (process, try InteropPeer.number(process.waitForOutput(prefix: "LISTENING ")))
    }

    private static func credentials(_ request: CertificateRequest) throws -> [String] {
        let pki = try ThrowAwayPKI.perRun()
        let files = try pki.certificate(request)
        return ["--ca", pki.caPath, "--cert", files.certificatePath, "--key", files.keyPath]
    }
}

extension DaemonProcess {
    /// The value of `name=` in a line of a native peer; it ends at the next space.
    func value(_ name: String, in line: String) throws -> String {
        let word = line.split(separator: " ").first { $0.hasPrefix(name + "=") }
        return String(try #require(word, "no \(name) in: \(line)").dropFirst(name.count + 1))
    }

    /// Waits until it has written `count` lines that start with `prefix`, and returns what follows it in each.
    func waitForOutputs(prefix: String, count: Int, timeout: Duration = Deadline.patience) throws -> [String] {
        let isThere = Polling.wait(timeout: timeout) { outputLines.count { $0.hasPrefix(prefix) } >= count }
        let lines = outputLines
        try #require(isThere, "fewer than \(count) lines \(prefix):\n\(lines.suffix(40).joined(separator: "\n"))")
        return lines.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
    }

    /// Expects that a native peer has met nothing that is against the rules.
    func expectNoProblems(sourceLocation: SourceLocation = #_sourceLocation) {
        let problems = outputLines.filter { $0.hasPrefix("PROBLEM") }
        #expect(problems.isEmpty, sourceLocation: sourceLocation)
    }
}
