import Foundation
import Glibc
import TestSupport
import Testing

@Suite("DaemonProcess", .endToEnd)
struct DaemonProcessTests {
    @Test func exitStatusAndLinesAreSeen() throws {
        let process = try shell("echo to-output; echo to-error >&2; exit 7")
        try process.expectExit(7)
        #expect(process.outputLines == ["to-output"])
        #expect(process.errorLines == ["to-error"])
    }

    @Test func aLastLineWithoutItsEndIsSeen() throws {
        let process = try shell("printf unfinished >&2")
        try process.expectExit(0)
        #expect(process.errorLines == ["unfinished"])
    }

    @Test func aSignalIsToldFromAnExit() throws {
        let process = try shell("echo ready >&2; exec sleep 600")
        try process.waitForLine(containing: "ready")
        process.terminate()
        #expect(try process.waitForExit() == .signalled(SIGTERM))
    }

    @Test func aMissingLineThrowsOnceTheProcessHasEnded() throws {
        let process = try shell("echo another line >&2")
        #expect(throws: ProcessError.self) { try process.waitForLine(containing: "the line") }
    }

    @Test func theEnvironmentIsOnlyWhatWasGiven() throws {
        let process = try DaemonProcess(path: "/usr/bin/env", environment: ["SWL_PORT": "1"])
        try process.expectExit(0)
        #expect(process.outputLines.filter { $0.hasPrefix("SWL_") || $0.hasPrefix("APIS_") } == ["SWL_PORT=1"])
    }

    @Test func folderAndFileLimitAreSet() throws {
        let process = try DaemonProcess(
            path: "/bin/sh",
            arguments: ["-c", "pwd; ulimit -n"],
            workingDirectory: "/usr/bin",
            openFileLimit: 77
        )
        try process.expectExit(0)
        #expect(process.outputLines == ["/usr/bin", "77"])
    }

    @Test func noDescriptorOfTheTestsIsInherited() throws {
        let acceptor = try TCPAcceptor()
        let visitor = try TCPPeer(connectingTo: acceptor.endpoint)
        let accepted = try acceptor.accept()
        let process = try DaemonProcess(path: "/bin/ls", arguments: ["/proc/self/fd"])
        try process.expectExit(0)
        // 0, 1, 2 and the folder that `ls` reads.
        #expect(process.outputLines.count == 4, "\(process.outputLines)")
        visitor.close()
        accepted.close()
    }

    @Test func theProcessGoesWithItsOwner() throws {
        let pid = try TestLifetime.untilLastUse {
            let process = try shell("echo ready >&2; exec sleep 600")
            try process.waitForLine(containing: "ready")
            return process.pid
        }
        #expect(Polling.wait { Glibc.kill(pid, 0) == -1 && errno == ESRCH })
    }

    @Test func metadataIsReadFromALogLine() throws {
        let line = LogLine(
            "2026-11-21T03:27:51+0000 info sw-listener: client.uid=client-a reason=it has expired on 2021-01-01 "
                + "[Listener] session ended"
        )
        #expect(try line.metadata("client.uid") == "client-a")
        #expect(try line.metadata("reason") == "it has expired on 2021-01-01")
        #expect(line.level == "info")
        #expect(throws: ProcessError.self) { try line.metadata("uid") }
        #expect(LogLine("Error: SWL_CERT_PATH is not set").level == nil)
    }

    private func shell(_ script: String) throws -> DaemonProcess {
        try DaemonProcess(path: "/bin/sh", arguments: ["-c", script])
    }
}
