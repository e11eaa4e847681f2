import NIOCore
import NIOPosix
import Shared

/// Resolves the target of one dial, once, and hands SwiftNIO's happy eyeballs (RFC 8305) exactly those addresses that the
/// policy allows: what was judged is what is dialled, whatever the name server says a moment later (DNS rebinding).
///
/// It is asked on the dial's event loop, where both families' answers come at the same time.
struct TargetResolver: Resolver, Sendable {
    private let question: HostQuestion
    private let addresses: EventLoopFuture<[SocketAddress]>

    /// Asks at once.
    init(_ target: TargetAddress, policy: TargetPolicy, hosts: HostResolver, eventLoop: any EventLoop) {
        question = hosts.ask(target.host, port: target.port, on: eventLoop)
        addresses = question.answer.flatMapThrowing { try policy.allowed($0, for: target) }
    }

    /// The IPv4 addresses that are left, for the target that this resolver was made for.
    func initiateAQuery(host: String, port: Int) -> EventLoopFuture<[SocketAddress]> {
        addresses.map { $0.filter { $0.protocol == .inet } }
    }

    /// The IPv6 addresses that are left, for the target that this resolver was made for.
    func initiateAAAAQuery(host: String, port: Int) -> EventLoopFuture<[SocketAddress]> {
        addresses.map { $0.filter { $0.protocol == .inet6 } }
    }

    func cancelQueries() {
        question.cancel()
    }
}
