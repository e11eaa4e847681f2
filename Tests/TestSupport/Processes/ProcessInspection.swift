import Foundation
import Glibc

/// What the kernel says about a running process (`/proc`).
package struct ProcessInspection: Sendable {
    private let pid: Int32

    package init(_ process: DaemonProcess) {
        pid = process.pid
    }

    /// Resident memory in bytes.
    package func residentBytes() throws -> Int {
        try statusKibibytes("VmRSS") * 1024
    }

    /// The number of open file descriptors.
    package func openFileCount() throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").count
    }

    /// Whether the program was built with the address sanitizer, which maps terabytes of shadow and keeps freed memory
    /// for a while, so that its resident memory says less.
    package func isAddressSanitized() throws -> Bool {
        try statusKibibytes("VmSize") > 1 << 33
    }

    private func statusKibibytes(_ field: String) throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("\(field):") }
        guard let words = line?.split(whereSeparator: \.isWhitespace), words.count >= 2, let value = Int(words[1])
        else {
            throw ProcessError.unreadableStatus(pid: pid, field: field)
        }
        return value
    }
}
