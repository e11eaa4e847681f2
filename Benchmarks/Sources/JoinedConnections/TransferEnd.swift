import NIOCore
import Shared

/// One of the two ends: a connection, what it has left to send, and what it has received.
final class TransferEnd {
    /// As much as a relay reads from TCP at once.
    private static let chunk = ByteBuffer(repeating: 0x5A, count: 64 * 1024)

    private let connection: QUICConnection
    private let path: NetworkPath
    private let scratch = DatagramScratch()
    private var unsentBytes: [QUICStreamID: Int] = [:]
    private(set) var isConfirmed = false
    /// On all streams, since the beginning.
    private(set) var receivedBytes = 0
    /// The largest datagram that was written, in bytes.
    private(set) var largestDatagram = 0

    init(_ connection: QUICConnection, path: NetworkPath) {
        self.connection = connection
        self.path = path
    }

    var isActive: Bool { connection.isActive }
    var expiry: QUICTime? { connection.expiry }

    func openStream() throws -> QUICStreamID {
        try connection.openStream()
    }

    /// Sends `byteCount` more bytes on a stream, as the connection takes them.
    func offer(_ byteCount: Int, on id: QUICStreamID) {
        unsentBytes[id, default: 0] += byteCount
        send(on: id)
    }

    /// Does what ``ConnectionDriver/drive()`` does: events, then datagrams, which the peer receives at once.
    ///
    /// - Returns: whether there was any datagram.
    func takeTurn(now: QUICTime, peer: TransferEnd) -> Bool {
        if let expiry, expiry <= now {
            connection.handleExpiry(now: now)
        }
        takeEvents()
        var hasSpoken = false
        write(now: now) { run in
            hasSpoken = true
            peer.receive(run.datagrams, now: now)
        }
        takeEvents()
        return hasSpoken
    }

    func receive(_ datagrams: DatagramRun, now: QUICTime) {
        connection.receive(datagrams, path: path, ecn: 0, now: now)
    }

    /// Hands each run of datagrams that may leave now to `send`; it is borrowed for the call.
    func write(now: QUICTime, send: (OutgoingDatagrams) -> Void) {
        connection.writeDatagrams(using: scratch, now: now) { run in
            largestDatagram = max(largestDatagram, run.segmentBytes)
            send(run)
            return .sent
        }
    }

    private func takeEvents() {
        while let event = connection.nextEvent() {
            switch event {
            case .handshakeConfirmed: isConfirmed = true
            case .streamReadable(let id): read(id)
            case .streamWritable(let id): send(on: id)
            default: break
            }
        }
    }

    private func read(_ id: QUICStreamID) {
        guard let bytes = connection.receive(from: id)?.bytes else { return }
        receivedBytes += bytes.readableBytes
        connection.consume(bytes.readableBytes, on: id)
    }

    private func send(on id: QUICStreamID) {
        var rest = unsentBytes[id] ?? 0
        var isTaken = true
        while rest > 0, isTaken {
            let chunk = Self.chunk.getSlice(at: 0, length: min(rest, Self.chunk.readableBytes))
            isTaken = connection.send(chunk, finish: false, on: id)
            rest -= min(rest, Self.chunk.readableBytes)
        }
        unsentBytes[id] = rest
    }
}
