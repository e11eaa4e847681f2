import Foundation
import Glibc

/// Plays the service manager: takes a program's notifications on a socket of its own (sd_notify(3)).
package final class ServiceManagerStub: Sendable {
    /// What the program under test needs in its environment.
    package let environment: [String: String]
    private let folder: ScratchFolder
    private let socket: SocketDescriptor

    /// - Parameters:
    ///   - watchdogMicroseconds: after how much silence of the program the watchdog would bite; nil = there is none.
    ///   - isAbstract: whether the socket's name is one of Linux's abstract namespace instead of a path.
    package init(watchdogMicroseconds: Int? = nil, isAbstract: Bool = false) throws {
        folder = try ScratchFolder("notify")
        let name = isAbstract ? "@" + folder.path : folder.file("socket")
        var environment = ["NOTIFY_SOCKET": name]
        environment["WATCHDOG_USEC"] = watchdogMicroseconds.map { "\($0)" }
        self.environment = environment
        let descriptor = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw SocketError.system(call: "socket", errno: errno) }
        socket = SocketDescriptor(adopting: descriptor)
        guard Self.bind(descriptor, to: name) == 0 else { throw SocketError.system(call: "bind", errno: errno) }
    }

    /// Nobody takes notifications any more.
    package func close() {
        socket.close()
    }

    /// Waits for the next notification.
    package func receive(timeout: Duration = Deadline.patience) throws -> String {
        guard try socket.wait(for: POLLIN, until: .after(timeout)) != 0 else {
            throw SocketError.timedOut("no notification came")
        }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = recv(try socket.number(), &buffer, buffer.count, 0)
        guard count >= 0 else { throw SocketError.system(call: "recv", errno: errno) }
        return String(decoding: buffer[..<count], as: UTF8.self)
    }

    /// Waits for a notification that has this line, passing over others, and returns its lines.
    @discardableResult
    package func waitForLine(_ line: String, timeout: Duration = Deadline.patience) throws -> [String] {
        let deadline = Deadline.after(timeout)
        var others: Set<String> = []
        while !deadline.hasPassed {
            do {
                let lines = try receive(timeout: deadline.remaining).components(separatedBy: "\n")
                if lines.contains(line) { return lines }
                others.formUnion(lines)
            } catch SocketError.timedOut {
                break
            }
        }
        throw SocketError.timedOut("\(line) was not notified, only \(others.sorted())")
    }

    private static func bind(_ descriptor: Int32, to name: String) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let isAbstract = name.hasPrefix("@")
        let bytes = isAbstract ? [0] + Array(name.utf8.dropFirst()) : Array(name.utf8) + [0]
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
        return withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.bind(descriptor, $0, length) }
        }
    }
}
