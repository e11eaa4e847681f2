import TestSupport
import Testing

/// Expects that a program gives up with exit code 1 and exactly one line on standard error, which names `parts`.
///
/// What it logged at the level info before it found out, such as an address that it did get, does not count.
func expectBadStart(
    of process: DaemonProcess,
    naming parts: [String],
    sourceLocation: SourceLocation = #_sourceLocation
) throws {
    try process.expectExit(1, sourceLocation: sourceLocation)
    let complaints = process.errorLines.filter { LogLine($0).level != "info" }
    #expect(complaints.count == 1, "\(process.errorLines)", sourceLocation: sourceLocation)
    for part in parts {
        #expect(
            complaints.first?.contains(part) == true,
            "\(part) is not named in \(complaints)",
            sourceLocation: sourceLocation
        )
    }
    #expect(process.outputLines.isEmpty, sourceLocation: sourceLocation)
}

/// Expects that an unknown option and a surplus argument end the program with exit code 64 and a hint.
func expectWrongUsage(of binary: TestBinary, sourceLocation: SourceLocation = #_sourceLocation) throws {
    for arguments in [["--no-such-option"], ["one.json", "two.json"]] {
        let process = try DaemonProcess(binary, arguments: arguments)
        try process.expectExit(64, sourceLocation: sourceLocation)
        #expect(process.errorLines.contains { $0.contains(arguments.last ?? "") }, sourceLocation: sourceLocation)
    }
}

/// Expects that an option makes the program print something to standard output and end well.
func expectInformation(
    _ option: String,
    from binary: TestBinary,
    sourceLocation: SourceLocation = #_sourceLocation
) throws {
    let process = try DaemonProcess(binary, arguments: [option])
    try process.expectExit(0, sourceLocation: sourceLocation)
    #expect(!process.outputLines.isEmpty, sourceLocation: sourceLocation)
    #expect(process.errorLines.isEmpty, sourceLocation: sourceLocation)
}
