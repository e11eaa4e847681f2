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

    /// Resolves the target once, and dials those of its addresses that the policy allows. A target on this machine that is
    /// given by its address is reached before this returns.
    ///
    /// - Parameter cancellation: a means to give up; of the same event loop.
    /// - Returns: a connected channel that does not read yet, and that a close ends with RST; fails with ``TargetDialError``.
    func dial(
        _ target: TargetAddress,
        on eventLoop: any EventLoop,
        cancellation: DialCancellation
    ) -> EventLoopFuture<any Channel> {
        do throws(TargetRefusal) {
            try policy.admit(target)
            guard let address = HostResolver.literal(target.host, port: target.port) else {
                return dialName(target, on: eventLoop, cancellation)
                    .flatMapErrorThrowing { throw TargetDialError($0) }
            }
            _ = try policy.allowed([address], for: target)
            return dial(address, on: eventLoop, cancellation).flatMapErrorThrowing { throw TargetDialError($0) }
        } catch {
            return eventLoop.makeFailedFuture(TargetDialError.notAllowed(error))
        }
    }

    private func dialName(
        _ target: TargetAddress,
        on eventLoop: any EventLoop,
        _ cancellation: DialCancellation
    ) -> EventLoopFuture<any Channel> {
        bootstrap(on: eventLoop, cancellation)
            .resolver(TargetResolver(target, policy: policy, hosts: hosts, eventLoop: eventLoop))
            .connectTimeout(timeout)  // runs from here on, so while the name is resolved too
            .connect(host: target.host, port: Int(target.port))
    }

    private func dial(
        _ address: SocketAddress,
        on eventLoop: any EventLoop,
        _ cancellation: DialCancellation
    ) -> EventLoopFuture<any Channel> {
        do throws(IOError) {
            if let socket = try LoopbackSocket.connected(to: address) {
                return ClientBootstrap(group: eventLoop)
                    .channelInitializer { channel in
                        channel.eventLoop.makeCompletedFuture { try Self.setOptions(of: channel) }
                    }
                    .withConnectedSocket(socket)
            }
        } catch {
            return eventLoop.makeFailedFuture(error)
        }
        return bootstrap(on: eventLoop, cancellation).connectTimeout(timeout).connect(to: address)
    }

    private func bootstrap(on eventLoop: any EventLoop, _ cancellation: DialCancellation) -> ClientBootstrap {
        let cancellation = NIOLoopBound(cancellation, eventLoop: eventLoop)
        return ClientBootstrap(group: eventLoop).channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                try cancellation.value.add(channel)
                channel.setAborts(true)
                try Self.setOptions(of: channel)
            }
        }
    }

    // SwiftNIO sets TCP_NODELAY by itself.
    private static func setOptions(of channel: any Channel) throws {
        try RelayHandler.setOptions(of: channel)
        try channel.syncOptions?.setOption(.autoRead, value: false)
    }
}
