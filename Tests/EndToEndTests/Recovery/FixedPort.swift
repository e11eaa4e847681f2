import Foundation
import Synchronization
import TestSupport

/// Ports that a program can have again after a restart.
///
/// What the kernel chooses (port 0) comes from the ports that it gives to every outgoing connection too: between the end of
/// a program and its next start, one of these may take the port. Fixed ports lie below, and each is given out once.
enum FixedPort {
    private static let lowest = 10_000
    private static let maxAttempts = 1000
    private static let given = Mutex<Set<Int>>([])

    /// A port that nobody uses for TCP, with no other test of this run coming for it. UDP is used by so few programs that
    /// it is not looked at.
    static func next() throws -> Int {
        let range = try String(contentsOfFile: "/proc/sys/net/ipv4/ip_local_port_range", encoding: .utf8)
        guard let end = range.split(whereSeparator: \.isWhitespace).first.flatMap({ Int($0) }), end > lowest else {
            throw SocketError.malformed("no ports below the kernel's own: \(range)")
        }
        for _ in 0..<maxAttempts {
            let port = Int.random(in: lowest..<end)
            if given.withLock({ $0.insert(port).inserted }), isFree(port) { return port }
        }
        throw SocketError.malformed("no port of \(lowest) to \(end) is free")
    }

    private static func isFree(_ port: Int) -> Bool {
        do {
            try TestLifetime.untilLastUse { try TCPAcceptor(on: HostPort(port: port)).close() }
            return true
        } catch {
            return false
        }
    }
}
