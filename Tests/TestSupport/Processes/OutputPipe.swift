import Foundation
import Glibc

/// The lines that a process writes to one of its outputs, collected by a thread until the process closes it.
package final class OutputPipe: Sendable {
    private struct Collected: Sendable {
        var lines: [String] = []
        var ended = false
    }

    /// What a test may read back at most; a process that writes more loses its oldest lines.
    private static let maxLines = 50_000

    /// The end that the process gets; `closeWriter()` gives up this process's copy of it.
    let writer: Int32
    private let collected: Monitor<Collected>

    /// Opens the pipe and starts to read. `copy` is called with each line, on the reading thread.
    init(copy: @escaping @Sendable (String) -> Void = { _ in }) throws {
        let ends = DescriptorInheritance.prevented {
            var ends: [Int32] = [-1, -1]
            return pipe(&ends) == 0 ? ends : []
        }
        guard let reader = ends.first, let writer = ends.last else {
            throw SocketError.system(call: "pipe", errno: errno)
        }
        let collected = Monitor(Collected())
        self.writer = writer
        self.collected = collected
        Thread { Self.read(reader, into: collected, copy: copy) }.start()
    }

    /// To be called once the process has been started, so that the pipe ends with the process.
    func closeWriter() {
        close(writer)
    }

    package var lines: [String] {
        collected.withLock { $0.lines }
    }

    /// Waits for a line that `matches`, among those already there too; `nil` when the output ended or time is up.
    package func waitForLine(until deadline: Deadline, where matches: (String) -> Bool) -> String? {
        collected.wait(until: deadline) { collected -> String?? in
            if let line = collected.lines.first(where: matches) { return .some(line) }
            return collected.ended ? .some(nil) : nil
        } ?? nil
    }

    /// Waits until the process has closed its end; every line is there then.
    @discardableResult
    package func waitForEnd(until deadline: Deadline) -> Bool {
        collected.wait(until: deadline) { $0.ended ? true : nil } ?? false
    }

    private static func read(_ reader: Int32, into collected: Monitor<Collected>, copy: (String) -> Void) {
        var partial: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = Glibc.read(reader, &chunk, chunk.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { break }
            partial += chunk[..<count]
            while let newline = partial.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: partial[..<newline], as: UTF8.self)
                partial.removeSubrange(...newline)
                append(line, to: collected, copy: copy)
            }
        }
        if !partial.isEmpty {
            append(String(decoding: partial, as: UTF8.self), to: collected, copy: copy)
        }
        close(reader)
        collected.withLock { $0.ended = true }
    }

    private static func append(_ line: String, to collected: Monitor<Collected>, copy: (String) -> Void) {
        collected.withLock { collected in
            if collected.lines.count == maxLines { collected.lines.removeFirst() }
            collected.lines.append(line)
        }
        copy(line)
    }
}
