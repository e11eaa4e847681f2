import Foundation
import Glibc
import Synchronization

/// The network namespaces of this run: whether the machine lets the tests make some, and the names they get.
///
/// Everything that the tests make in the kernel carries `prefix`, which holds this process's pid: what stays behind
/// goes at the end of the process, and nothing of anybody else's is ever touched.
package enum NetworkNamespaces {
    /// Why this machine lets the tests make no namespace, in words for a person; `nil` where it does. Only a lack of
    /// means counts: any other failure is left to the test that meets it.
    package static let obstacle: String? = {
        guard geteuid() == 0 else { return "network namespaces need root: run the tests as root" }
        guard program != nil else { return "network namespaces need the `ip` program: install iproute2" }
        do {
            let probe = try NetworkNamespace()
            _ = try probe.link()
            return nil
        } catch {
            let text = "\(error)"
            let lacks = [
                "Operation not permitted", "Permission denied", "Operation not supported", "Unknown device type",
            ]
            return lacks.contains(where: text.contains) ? "this machine allows no network namespaces: \(text)" : nil
        }
    }()

    /// Begins the name of each namespace and interface. Short, since the kernel allows an interface 15 characters.
    static let prefix = "sw\(getpid())"

    /// Where Debian, and others, keep `ip`.
    static let program = ["/usr/sbin/ip", "/usr/bin/ip", "/sbin/ip", "/bin/ip"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }

    private struct Claims: Sendable {
        var names = 0
        var subnets = 0
    }

    private static let claims = Mutex(Claims())

    private static let sweeping: Void = {
        sweep()
        atexit { NetworkNamespaces.sweep() }
    }()

    /// Runs `ip` and returns the lines that it wrote; throws with its words unless it succeeds.
    @discardableResult
    static func ip(_ arguments: [String]) throws -> [String] {
        guard let program else { throw SocketError.malformed("there is no `ip` program") }
        return try CommandLineTool.run(program, arguments)
    }

    /// A name that nothing else of this run has, and nothing of an earlier process with the same pid.
    static func newName(_ kind: String) -> String {
        sweeping
        let number = claims.withLock { claims in
            claims.names += 1
            return claims.names
        }
        return "\(prefix)\(kind)\(number)"
    }

    /// A subnet that no interface of this machine is in, with room for six hosts.
    static func newSubnet() throws -> NetworkSubnet {
        for _ in 0..<NetworkSubnet.count {
            let number = claims.withLock { claims in
                claims.subnets += 1
                return claims.subnets
            }
            // Spread by pid, since several runs may share the machine.
            let subnet = NetworkSubnet(number: (Int(getpid()) * 61 + number) % NetworkSubnet.count)
            if try ip(["-oneline", "address", "show", "to", subnet.description]).isEmpty { return subnet }
        }
        throw SocketError.malformed("every subnet of \(NetworkSubnet.range) is in use")
    }

    /// Removes all namespaces and interfaces that carry `prefix`: at the end, and what an earlier process of the same
    /// pid left. What cannot be removed harms nobody.
    private static func sweep() {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/run/netns")) ?? []
        for name in names where isOurs(name, kind: "n") { _ = try? ip(["netns", "delete", name]) }
        let interfaces = (try? FileManager.default.contentsOfDirectory(atPath: "/sys/class/net")) ?? []
        for name in interfaces where isOurs(name, kind: "o") { _ = try? ip(["link", "delete", name]) }
    }

    /// Whether a name is this process's: `sw12n1` is not one of process 1.
    private static func isOurs(_ name: String, kind: String) -> Bool {
        name.hasPrefix(prefix + kind) && name.dropFirst((prefix + kind).count).allSatisfy(\.isNumber)
    }
}
