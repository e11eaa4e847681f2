import TestSupport
import Testing

extension TCPPeer {
    /// Expects that exactly this comes until the peer ends, and that it ends so; a failure shows what came instead.
    func expectToReceive(
        _ expected: Received,
        timeout: Duration = Deadline.patience,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let received = try receiveToEnd(timeout: timeout)
        #expect(received == expected, sourceLocation: sourceLocation)
    }
}

extension DaemonProcess {
    /// Expects that the process ends by itself with this exit code; a failure shows how it ended and what it wrote.
    func expectExit(_ code: Int32, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let status = try waitForExit()
        #expect(status == .exited(code), "\(name) wrote:\n\(recentLog)", sourceLocation: sourceLocation)
    }
}
