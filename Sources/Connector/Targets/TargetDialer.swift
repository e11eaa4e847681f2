import NIOCore
import NIOPosix
import Shared

/// Dials the targets of relays as far as the policy allows, on the connection's event loop.
struct TargetDialer: Sendable {
    /// How long a target may take to answer, name resolution included.
    let timeout: TimeAmount
    let policy: TargetPolicy
    let hosts: HostResolver

    init(timeout: TimeAmount, policy: TargetPolicy, hosts: HostResolver = HostResolver()) {
        self.timeout = timeout
        self.policy = policy
        self.hosts = hosts
    }

    /// Resolves the target once, and dials those of its addresses that the policy allows.
    ///
    /// - Parameter cancellation: a means to give up; of the same event loop.
    /// - Returns: a connected channel that does not read yet; fails with ``TargetDialError``.
    func dial(
        _ target: TargetAddress,
        on eventLoop: any EventLoop,
        cancellation: DialCancellation
    ) -> EventLoopFuture<any Channel> {
        do throws(TargetRefusal) {
            try policy.admit(target)
        } catch {
            return eventLoop.makeFailedFuture(TargetDialError.notAllowed(error))
        }
        let resolver = TargetResolver(target, policy: policy, hosts: hosts, eventLoop: eventLoop)
        let cancellation = NIOLoopBound(cancellation, eventLoop: eventLoop)
        let bootstrap = ClientBootstrap(group: eventLoop)
            .resolver(resolver)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try cancellation.value.add(channel) }
            }
            .connectTimeout(timeout)  // runs from here on, so while the name is resolved too
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelOption(.autoRead, value: false)
        return bootstrap.connect(host: target.host, port: Int(target.port))
            .flatMapErrorThrowing { throw TargetDialError($0) }
    }
}
