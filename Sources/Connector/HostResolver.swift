import Glibc
import NIOCore
import NIOPosix
import Shared
import Synchronization

/// Finds the addresses of hosts, without blocking an event loop: the listener's and the targets'.
///
/// One question is one call of getaddrinfo(3), which brings IPv4 and IPv6 addresses. An address needs no question.
final class HostResolver: Sendable {
    /// Asks the system and blocks until it answers, for many seconds on a bad day.
    typealias LookUp = @Sendable (_ host: String, _ port: UInt16) throws(HostResolverError) -> [SocketAddress]

    /// A name server that is silent holds a thread for 10 s (resolv.conf's two attempts of 5 s); fifteen such names leave
    /// one thread for the others.
    static let threadCount = 16
    /// Lives as long as the process: a thread within getaddrinfo(3) cannot be called back, so nobody waits for its end.
    private static let threads = {
        let pool = NIOThreadPool(numberOfThreads: threadCount)
        pool.start()
        return pool
    }()

    private let maxPending: Int
    private let lookUp: LookUp
    private let pendingCount = Atomic(0)

    /// - Parameters:
    ///   - maxPending: The greatest number of unanswered questions; those beyond fail as overloaded. The default is more
    ///     than the default number of relays, each of which asks once.
    ///   - lookUp: Called on any thread, by several at one time.
    init(maxPending: Int = 32_768, lookUp: @escaping LookUp = HostResolver.askSystem) {
        self.maxPending = maxPending
        self.lookUp = lookUp
    }

    /// - Parameters:
    ///   - host: A name, or an IP address without brackets.
    ///   - port: The port in the addresses of the answer.
    /// - Returns: a question whose answer fails with ``HostResolverError``, and is never empty.
    func ask(_ host: String, port: UInt16, on eventLoop: any EventLoop) -> HostQuestion {
        if let address = Self.literal(host, port: port) {
            return HostQuestion(answer: eventLoop.makeSucceededFuture([address]))
        }
        guard pendingCount.add(1, ordering: .relaxed).newValue <= maxPending else {
            pendingCount.subtract(1, ordering: .relaxed)
            return HostQuestion(
                answer: eventLoop.makeFailedFuture(HostResolverError.overloaded("too many names at once"))
            )
        }
        let isCancelled = CancellationFlag()
        let answer = Self.threads.runIfActive(eventLoop: eventLoop) { [self] in
            defer { pendingCount.subtract(1, ordering: .relaxed) }
            guard !isCancelled.isSet else { throw HostResolverError.cancelled }
            let addresses = try lookUp(host, port)
            guard !addresses.isEmpty else { throw HostResolverError.notFound("it has no address") }
            return addresses
        }
        return HostQuestion(answer: answer, isCancelled: isCancelled)
    }

    /// The address that `host` is already, if it is one.
    static func literal(_ host: String, port: UInt16) -> SocketAddress? {
        guard IPLiteral.isValid(host) else { return nil }
        do {
            return try SocketAddress(ipAddress: host, port: Int(port))
        } catch {
            return nil
        }
    }

    /// Every address of `host`, in the system's order of preference (RFC 6724).
    private static func askSystem(_ host: String, _ port: UInt16) throws(HostResolverError) -> [SocketAddress] {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        // Of the kinds of socket that would each repeat every address, one; which one changes no address.
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_NUMERICSERV
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, String(port), &hints, &list)
        guard code == 0 else {
            throw HostResolverError(code, errno: errno)
        }
        defer { freeaddrinfo(list) }
        var addresses: [SocketAddress] = []
        var cursor = list
        while let entry = cursor?.pointee {
            let address = UnsafeRawPointer(entry.ai_addr)
            switch entry.ai_family {
            case AF_INET:
                address.map { addresses.append(SocketAddress($0.loadUnaligned(as: sockaddr_in.self))) }
            case AF_INET6:
                address.map { addresses.append(SocketAddress($0.loadUnaligned(as: sockaddr_in6.self))) }
            default:
                break
            }
            cursor = entry.ai_next
        }
        return addresses
    }
}
