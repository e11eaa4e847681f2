import Glibc
import Logging
package import NIOCore
import NIOPosix
import Shared

/// A listening socket of one forward.
///
/// Owned by the ``ForwardTable``. Its channels live on one event loop; the object itself is a handle that any task may
/// hold. Lives from a successful bind to ``stop()``, or until the socket fails; its visitors may live longer.
package final class ForwardListener: Sendable {
    /// Makes an accepted channel a relay, which tells the meter what it does. Called on the channel's event loop before
    /// it becomes active; when the future fails, the visitor is closed.
    package typealias AdoptVisitor = @Sendable (any Channel, Forward, ForwardMeter) -> EventLoopFuture<Void>

    /// What Linux grants unless `net.core.somaxconn` says less: a storm of visitors waits instead of being reset.
    private static let backlog: CInt = 4096

    /// The forward, with the port that it really has.
    let open: OpenForward

    private let channel: any Channel

    private init(_ open: OpenForward, channel: any Channel) {
        self.open = open
        self.channel = channel
    }

    var forward: Forward { open.forward }

    /// False from the moment that the socket is closed, by whomever.
    var isListening: Bool { channel.isActive }

    /// Listens on the port of `requested`, or any free port when that is zero.
    ///
    /// - Parameters:
    ///   - requested: The forward; its visitors may arrive before this returns.
    ///   - bindAddress: The IP address to listen on; its port is not used.
    ///   - eventLoop: The one that all channels live on; a NIOPosix loop.
    /// - Throws: ``ForwardError`` when the port cannot be had.
    static func listen(
        for requested: OpenForward,
        at bindAddress: SocketAddress,
        on eventLoop: any EventLoop,
        adoptVisitor: @escaping AdoptVisitor,
        logger: Logger
    ) async throws(ForwardError) -> ForwardListener {
        let port = requested.forward.port
        var address = bindAddress
        address.port = Int(port.number)
        do {
            let bootstrap = bootstrap(
                on: eventLoop,
                for: requested,
                isIPv6: address.protocol == .inet6,
                adoptVisitor: adoptVisitor,
                logger: logger
            )
            let channel = try await bootstrap.bind(to: address).get()
            return ForwardListener(requested.on(requested.forward.port(of: channel)), channel: channel)
        } catch {
            throw ForwardError(error, port: port, address: address)
        }
    }

    /// Stops listening; visitors are left alone. Returns when the socket is closed, so that the port can be bound again.
    /// Idempotent.
    func stop() async {
        do {
            try await channel.close().get()
        } catch {
            // Closed before, by itself or by us: that is what is wanted.
        }
    }

    /// Calls `body` once when the socket is closed, for whatever reason; on the event loop.
    func whenClosed(_ body: @escaping @Sendable () -> Void) {
        channel.closeFuture.whenComplete { _ in body() }
    }

    private static func bootstrap(
        on eventLoop: any EventLoop,
        for requested: OpenForward,
        isIPv6: Bool,
        adoptVisitor: @escaping AdoptVisitor,
        logger: Logger
    ) -> ServerBootstrap {
        let visitors = requested.visitors
        let bootstrap = ServerBootstrap(group: eventLoop)
            .serverChannelOption(.backlog, value: backlog)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            // Accepted sockets inherit it (Linux), as they do the linger time, without system calls of their own.
            .serverChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            // Visitors per wakeup: a storm is taken in few rounds, yet the loop's other channels get their turn.
            .serverChannelOption(.maxMessagesPerRead, value: 16)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    channel.setAborts(true)
                    try channel.pipeline.syncOperations.addHandler(AcceptFailureHandler(logger: logger))
                }
            }
            .childChannelInitializer { visitor in
                do {
                    try RelayHandler.setOptions(of: visitor)
                } catch {
                    return visitor.eventLoop.makeFailedFuture(error)
                }
                guard visitors.value.insert(visitor) else {
                    return visitor.eventLoop.makeFailedFuture(ChannelError.ioOnClosedChannel)
                }
                let forward = requested.forward
                return adoptVisitor(visitor, forward.on(forward.port(of: visitor)), visitors.value.meter)
            }
        // `::` means IPv4 too, whatever net.ipv6.bindv6only says.
        let v6Only = ChannelOptions.Types.SocketOption(level: .ipv6, name: .ipv6_v6only)
        return isIPv6 ? bootstrap.serverChannelOption(v6Only, value: 0) : bootstrap
    }
}

extension Forward {
    /// The local port of `channel`, the listening one or one that it accepted, when any free one was asked for.
    fileprivate func port(of channel: any Channel) -> ForwardPort {
        guard port.isAnyFree, let number = channel.localAddress?.port.flatMap(UInt16.init(exactly:)) else {
            return port
        }
        return ForwardPort(number)
    }
}
