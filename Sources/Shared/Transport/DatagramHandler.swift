internal import NIOCore

/// Cuts what the socket gives into datagrams, hands each to its connection, and drives each connection once a batch.
final class DatagramHandler: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>

    private let transport: DatagramTransport
    private let acceptor: DatagramTransport.Acceptor
    private var path: NetworkPath?
    private var touched: [ConnectionDriver] = []

    init(transport: DatagramTransport, acceptor: @escaping DatagramTransport.Acceptor) {
        self.transport = transport
        self.acceptor = acceptor
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let envelope = unwrapInboundIn(data)
        let path = path(to: envelope)
        let ecn = envelope.metadata?.ecnState.bits ?? 0
        let segmentBytes = max(1, envelope.metadata?.segmentSize ?? envelope.data.readableBytes)
        let now = QUICTime.now()
        envelope.data.withUnsafeReadableBytes { bytes in
            var datagrams = DatagramRun(bytes, segmentBytes: segmentBytes)
            while !datagrams.isEmpty {
                receive(datagrams.takeThoseOfOneConnection(), path: path, ecn: ecn, now: now)
            }
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        let batch = touched
        touched.removeAll(keepingCapacity: true)
        for driver in batch {
            driver.isInBatch = false
            driver.batchReceived()
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // What a datagram socket reports is about one datagram; QUIC notices by itself.
    }

    func channelInactive(context: ChannelHandlerContext) {
        transport.sender.close()
    }

    // Datagrams that are for no connection get one answer together.
    private func receive(_ datagrams: DatagramRun, path: NetworkPath, ecn: UInt8, now: QUICTime) {
        switch transport.endpoint.route(datagrams.first, path: path, now: now) {
        case .connection(let driver):
            deliver(datagrams, to: driver, path: path, ecn: ecn, now: now)
        case .attempt(let attempt):
            if let driver = acceptor(attempt, path, now) {
                deliver(datagrams, to: driver, path: path, ecn: ecn, now: now)
            } else if let refusal = transport.endpoint.refusal(of: attempt) {
                transport.sender.send(refusal, path: path)
            }
        case .reply(let answer):
            transport.sender.send(answer, path: path)
        case .drop:
            break
        }
    }

    private func deliver(
        _ datagrams: DatagramRun,
        to driver: ConnectionDriver,
        path: NetworkPath,
        ecn: UInt8,
        now: QUICTime
    ) {
        driver.receive(datagrams, path: path, ecn: ecn, now: now)
        if !driver.isInBatch {
            driver.isInBatch = true
            touched.append(driver)
        }
    }

    // Nearly every datagram comes from where the last one came from.
    private func path(to envelope: AddressedEnvelope<ByteBuffer>) -> NetworkPath {
        let local = envelope.metadata?.packetInfo.map { localAddress(from: $0) } ?? transport.localAddress
        if let path, path.remote == envelope.remoteAddress, path.local == local {
            return path
        }
        let newPath = NetworkPath(local: local, remote: envelope.remoteAddress)
        path = newPath
        return newPath
    }

    private func localAddress(from info: NIOPacketInfo) -> SocketAddress {
        var address = info.destinationAddress
        address.port = transport.localAddress.port
        return address
    }
}

@available(*, unavailable)
extension DatagramHandler: Sendable {}

extension NIOExplicitCongestionNotificationState {
    fileprivate var bits: UInt8 {
        switch self {
        case .transportNotCapable: 0
        case .transportCapableFlag1: 1
        case .transportCapableFlag0: 2
        case .congestionExperienced: 3
        }
    }
}
