internal import CDatagram
internal import Glibc
package import Logging
package import NIOCore
internal import NIOPosix

/// A UDP socket, its channel and the QUIC endpoint behind it: what a listener or a connector needs one of.
///
/// Confined to its event loop.
package final class DatagramTransport {
    /// How a client's first packet becomes a connection; nil refuses it.
    package typealias Acceptor = (ConnectionAttempt, NetworkPath, QUICTime) -> ConnectionDriver?

    package let eventLoop: any EventLoop
    package let endpoint: QUICEndpoint<ConnectionDriver>
    package let random: RandomSource
    package let resetSecret: StatelessResetSecret
    /// The bound address; its port is the real one.
    package let localAddress: SocketAddress
    /// See ``DatagramSocket/cappedBy``.
    private let cappedBy: [String]
    let sender: DatagramSender
    let scratch = DatagramScratch()
    let readAllowance: ReadAllowance
    private let channel: any Channel
    /// Of IPv6 and UDP.
    private static let headerBytes = 40 + 8
    /// How many runs of datagrams (UDP_GRO) a batch may have.
    private static let runsPerRead = 8

    private init(
        channel: any Channel,
        descriptor: CInt,
        localAddress: SocketAddress,
        cappedBy: [String],
        limits: HalfOpenLimits?,
        keys: EndpointKeys?
    ) {
        eventLoop = channel.eventLoop
        self.channel = channel
        self.localAddress = localAddress
        self.cappedBy = cappedBy
        random = RandomSource(SystemRandomNumberGenerator())
        let keys = keys ?? EndpointKeys(random: random)
        resetSecret = keys.statelessReset
        endpoint = QUICEndpoint(random: random, keys: keys, limits: limits)
        sender = DatagramSender(descriptor: descriptor, eventLoop: channel.eventLoop)
        readAllowance = ReadAllowance(eventLoop: channel.eventLoop)
    }

    /// Opens the channel on `eventLoop`, which must be the current one.
    ///
    /// - Parameters:
    ///   - limits: bounds for clients' handshakes; nil = accept none.
    ///   - keys: those of the last run; nil = new ones, which nobody else learns.
    ///   - acceptor: called for each client's first packet.
    package static func open(
        on eventLoop: any EventLoop,
        socket: DatagramSocket,
        limits: HalfOpenLimits?,
        keys: EndpointKeys? = nil,
        acceptor: @escaping Acceptor
    ) -> EventLoopFuture<NIOLoopBound<DatagramTransport>> {
        eventLoop.assertInEventLoop()
        let (descriptor, cappedBy) = (socket.take(), socket.cappedBy)
        let acceptor = NIOLoopBound(acceptor, eventLoop: eventLoop)
        return DatagramBootstrap(group: eventLoop)
            .channelOption(.autoRead, value: false)
            // One call takes all that has come, up to a bound, and no second one asks whether there is more.
            .channelOption(.maxMessagesPerRead, value: 1)
            .channelOption(.datagramVectorReadMessageCount, value: runsPerRead)
            .channelOption(.datagramReceiveOffload, value: true)
            .channelOption(.datagramReceiveSegmentSize, value: true)
            .channelOption(.explicitCongestionNotification, value: true)
            .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: runsPerRead * 65_536))
            .withBoundSocket(descriptor)
            .flatMapThrowing { channel in
                guard let localAddress = channel.localAddress else { throw ChannelError.unknownLocalAddress }
                let transport = DatagramTransport(
                    channel: channel,
                    descriptor: descriptor,
                    localAddress: localAddress,
                    cappedBy: cappedBy,
                    limits: limits,
                    keys: keys
                )
                try channel.pipeline.syncOperations.addHandler(
                    DatagramHandler(transport: transport, acceptor: acceptor.value)
                )
                // A server answers from the address that it was asked at. A client's address is the kernel's choice, and
                // may change under it (RFC 9000 §9): its path keeps the wildcard.
                if limits != nil, localAddress.isWildcard {
                    try channel.syncOptions?.setOption(.receivePacketInfo, value: true)
                }
                try channel.syncOptions?.setOption(.autoRead, value: true)
                return NIOLoopBound(transport, eventLoop: eventLoop)
            }
    }

    /// Tells a peer that a connection is over that this endpoint has forgotten (RFC 9000 §10.3).
    ///
    /// - Parameter id: the ID that the endpoint issued for the peer to use.
    package func sendStatelessReset(of id: QUICConnectionID, to remote: SocketAddress) {
        guard remote.protocol == localAddress.protocol, let datagram = endpoint.statelessReset(of: id) else { return }
        sender.send(datagram, path: NetworkPath(local: localAddress, remote: remote))
    }

    /// Warns when the kernel keeps the socket's buffers small.
    package func logCappedBuffers(_ logger: Logger) {
        guard !cappedBy.isEmpty else { return }
        let bytes = DatagramSocket.bufferBytes
        let remedy = cappedBy.map { "sysctl -w \($0)=\(bytes)" }.joined(separator: "; ")
        logger.warning("UDP buffers are smaller than high speed needs", metadata: [LogKeys.remedy: "\(remedy)"])
    }

    /// Settings for a connection to `remote`: as large datagrams as the route to it takes.
    package func settings(_ settings: TransportSettings, for remote: SocketAddress) -> TransportSettings {
        let routeBytes = remote.withSockAddr { Int(warp_datagram_route_mtu($0, socklen_t($1))) }
        var settings = settings
        settings.maximumDatagramBytes = max(settings.maximumDatagramBytes, routeBytes - Self.headerBytes)
        return settings
    }

    /// Closes the socket and forgets the connections that are still there: they can say nothing more.
    package func close() {
        sender.close()
        for driver in endpoint.connections {
            driver.end()
        }
        channel.close(promise: nil)
    }

    /// Closes as ``close()`` does, but after the drive that is going on, which may still have a CONNECTION_CLOSE to send.
    package func closeSoon() {
        eventLoop.assumeIsolated().execute { self.close() }
    }

    /// Succeeds when the socket is closed, by ``close()`` or by a failure.
    package var closed: EventLoopFuture<Void> { channel.closeFuture }
}

@available(*, unavailable)
extension DatagramTransport: Sendable {}

extension SocketAddress {
    fileprivate var isWildcard: Bool { ipAddress == "0.0.0.0" || ipAddress == "::" }
}
