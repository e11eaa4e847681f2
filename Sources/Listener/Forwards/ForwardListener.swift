import Glibc
import Logging
package import NIOCore
import NIOPosix
import Shared

/// The listening socket of one forward, and the visitors that came through it.
///
/// Owned by the ``ForwardTable``. Its channels live on one event loop; the object itself is a handle that any task may
/// hold. Lives from a successful bind to ``close(visitorGrace:)``.
package final class ForwardListener: Sendable {
    /// Makes an accepted channel a relay. Called on the channel's event loop before it becomes active; when the future
    /// fails, the visitor is closed.
    package typealias AdoptVisitor = @Sendable (any Channel, Forward) -> EventLoopFuture<Void>

    /// What Linux grants unless `net.core.somaxconn` says less: a storm of visitors waits instead of being reset.
    private static let backlog: CInt = 4096

    /// The forward, with the port that it really has.
    let forward: Forward

    private let channel: any Channel
    private let visitors: NIOLoopBound<VisitorSet>

    private init(forward: Forward, channel: any Channel, visitors: NIOLoopBound<VisitorSet>) {
        self.forward = forward
        self.channel = channel
        self.visitors = visitors
    }

    /// Listens on the port of `requested`, or any free port when that is zero.
    ///
    /// - Parameters:
    ///   - requested: The forward; visitors may arrive before this returns.
    ///   - bindAddress: The IP address to listen on; its port is not used.
    ///   - eventLoop: The one that all channels live on; a NIOPosix loop.
    /// - Throws: ``ForwardError`` when the port cannot be had.
    static func listen(
        for requested: Forward,
        at bindAddress: SocketAddress,
        on eventLoop: any EventLoop,
        adoptVisitor: @escaping AdoptVisitor,
        logger: Logger
    ) async throws(ForwardError) -> ForwardListener {
        var address = bindAddress
        address.port = Int(requested.port.number)
        do {
            return try await eventLoop.flatSubmit { [address] in
                let visitors = NIOLoopBound(VisitorSet(eventLoop: eventLoop), eventLoop: eventLoop)
                return bootstrap(
                    on: eventLoop,
                    for: requested,
                    isIPv6: address.protocol == .inet6,
                    visitors: visitors,
                    adoptVisitor: adoptVisitor,
                    logger: logger
                ).bind(to: address).map { channel in
                    ForwardListener(forward: requested.onPort(of: channel), channel: channel, visitors: visitors)
                }
            }.get()
        } catch {
            throw ForwardError(error, port: requested.port, address: address)
        }
    }

    /// Stops listening and ends every visitor. Returns when the socket is closed, so that the port can be bound again,
    /// and the visitors are gone. Idempotent.
    ///
    /// - Parameter visitorGrace: How long relays may take to abort before their visitors are simply closed.
    func close(visitorGrace: TimeAmount) async {
        let visitors = visitors
        let closed = channel.close().recover { _ in
            // Closed before, by itself or by us: that is what is wanted.
        }.flatMap {
            visitors.value.end(within: visitorGrace)
        }
        do {
            try await closed.get()
        } catch {
            preconditionFailure("a recovered future cannot fail: \(error)")
        }
    }

    /// Calls `body` once when the socket is closed, for whatever reason; on the event loop.
    func whenClosed(_ body: @escaping @Sendable () -> Void) {
        channel.closeFuture.whenComplete { _ in body() }
    }

    private static func bootstrap(
        on eventLoop: any EventLoop,
        for requested: Forward,
        isIPv6: Bool,
        visitors: NIOLoopBound<VisitorSet>,
        adoptVisitor: @escaping AdoptVisitor,
        logger: Logger
    ) -> ServerBootstrap {
        let bootstrap = ServerBootstrap(group: eventLoop)
            .serverChannelOption(.backlog, value: backlog)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            // Visitors per wakeup: a storm is taken in few rounds, yet the loop's other channels get their turn.
            .serverChannelOption(.maxMessagesPerRead, value: 16)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptFailureHandler(logger: logger))
                }
            }
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { visitor in
                guard visitors.value.insert(visitor) else {
                    return visitor.eventLoop.makeFailedFuture(ChannelError.ioOnClosedChannel)
                }
                return adoptVisitor(visitor, requested.onPort(of: visitor))
            }
        // `::` means IPv4 too, whatever net.ipv6.bindv6only says.
        let v6Only = ChannelOptions.Types.SocketOption(level: .ipv6, name: .ipv6_v6only)
        return isIPv6 ? bootstrap.serverChannelOption(v6Only, value: 0) : bootstrap
    }
}

extension Forward {
    /// The same forward on the local port of `channel`: the listening one, or one that it accepted.
    fileprivate func onPort(of channel: any Channel) -> Forward {
        guard port.isAnyFree, let number = channel.localAddress?.port.flatMap(UInt16.init(exactly:)) else {
            return self
        }
        return on(ForwardPort(number))
    }
}
