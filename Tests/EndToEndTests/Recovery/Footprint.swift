import Foundation
import TestSupport
import Testing

/// What a program that lives through many restarts of the other end may not lose: files, and memory beyond a bound.
struct Footprint {
    private let name: String
    private let inspection: ProcessInspection
    private let openFiles: Int
    private let memory: MemoryGrowth

    /// Starts to measure a program that serves, with no relay open.
    init(of process: DaemonProcess) throws {
        name = process.name
        inspection = ProcessInspection(process)
        openFiles = try inspection.openFileCount()
        memory = try MemoryGrowth(of: [process])
    }

    /// Expects that it has no more files open than at the start, and that it has not grown by more than `maxGrowthBytes`.
    func check(atMost maxGrowthBytes: Int, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let isAsBefore = try Polling.wait { try inspection.openFileCount() <= openFiles }
        let count = try inspection.openFileCount()
        #expect(isAsBefore, "\(name) has \(count) files open, not \(openFiles)", sourceLocation: sourceLocation)
        try memory.check(atMost: maxGrowthBytes, sourceLocation: sourceLocation)
    }
}

/// Expects that of all the programs that this test run has started only these are left.
func expectOnlyRunning(_ processes: [DaemonProcess], sourceLocation: SourceLocation = #_sourceLocation) throws {
    let expected = Set(processes.map(\.pid))
    _ = try Polling.wait { try runningPrograms() == expected }
    let running = try runningPrograms()
    #expect(running == expected, sourceLocation: sourceLocation)
}

/// The children of this process that are, or were until they ended, a program under test.
private func runningPrograms() throws -> Set<Int32> {
    let names = Set(TestBinary.allCases.map(\.rawValue))
    let parent = ProcessInfo.processInfo.processIdentifier
    var pids: Set<Int32> = []
    for entry in try FileManager.default.contentsOfDirectory(atPath: "/proc") {
        guard let pid = Int32(entry) else { continue }
        // `PID (NAME) STATE PPID …`; a process that ends meanwhile has no such file any more.
        guard let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
            let start = text.firstIndex(of: "("), let end = text.lastIndex(of: ")")
        else { continue }
        let name = String(text[text.index(after: start)..<end])
        let fields = text[text.index(after: end)...].split(separator: " ")
        if names.contains(name), fields.count > 1, fields[1] == "\(parent)" { pids.insert(pid) }
    }
    return pids
}
