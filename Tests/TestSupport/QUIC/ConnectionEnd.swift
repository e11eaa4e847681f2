internal import NIOCore
package import Shared

/// One end of a ``ConnectionPair``: the connection and what has come out of it.
package final class ConnectionEnd {
    /// What an end does with the data that arrives.
    package enum Reading: Hashable, Sendable {
        /// Takes it and gives the credit back.
        case consuming
        /// Takes it and keeps the credit, as a stalled reader does.
        case keeping
    }

    package let connection: QUICConnection
    /// Everything that happened, in order.
    package private(set) var events: [QUICConnectionEvent] = []
    /// What arrived on each stream.
    package private(set) var received: [QUICStreamID: [UInt8]] = [:]
    /// The streams whose end has arrived.
    package private(set) var finishedStreams: Set<QUICStreamID> = []
    /// The streams whose reader has stalled.
    package var stalledStreams: Set<QUICStreamID> = []
    /// What the end does with streams that are not ``stalledStreams``.
    package var reading = Reading.consuming
    /// Called with each event, after it was recorded; may call the connection.
    package var onEvent: ((QUICConnectionEvent, ConnectionEnd) -> Void)?

    private var needsDrive = false
    private let endpoint: QUICEndpoint<QUICConnection>
    private let scratch = DatagramScratch()

    init(_ connection: QUICConnection, endpoint: QUICEndpoint<QUICConnection>) {
        self.connection = connection
        self.endpoint = endpoint
        takeEvents()
    }

    // MARK: Queries

    /// Why the connection is over; nil while it is not.
    package var closure: ConnectionClosure? {
        events.compactMap { if case .closed(let closure) = $0 { closure } else { nil } }.first
    }

    package var hasCompletedHandshake: Bool { events.contains(.handshakeCompleted) }

    /// The streams that the peer has opened, in order.
    package var openedStreams: [QUICStreamID] {
        events.compactMap { if case .streamOpened(let id) = $0 { id } else { nil } }
    }

    /// How many streams are over.
    package var closedStreamCount: Int {
        events.count { if case .streamClosed = $0 { true } else { false } }
    }

    /// The code of the peer's reset of a stream; nil when it was not reset.
    package func resetCode(of id: QUICStreamID) -> UInt64? {
        events.compactMap { if case .streamReset(id, let code) = $0 { code } else { nil } }.first
    }

    // MARK: Commands

    /// Gives back the credit for all that a stalled stream has received, and reads on.
    package func resume(_ id: QUICStreamID) {
        stalledStreams.remove(id)
        consume(received[id]?.count ?? 0, on: id)
    }

    /// Gives back credit for `count` bytes of a stream, as a reader does between two drives.
    package func consume(_ count: Int, on id: QUICStreamID) {
        connection.consume(count, on: id)
        needsDrive = true
    }

    /// Does what is due.
    func handleExpiry(now: QUICTime) {
        guard let expiry = connection.expiry, expiry <= now else { return }
        connection.handleExpiry(now: now)
        needsDrive = true
    }

    /// Whether an expiry came since the last call, or something was done that a driver would have been told of.
    func takeNeedsDrive() -> Bool {
        defer { needsDrive = false }
        return needsDrive
    }

    /// Takes every event that is due; tells whether there was any.
    @discardableResult
    func takeEvents() -> Bool {
        var tookAny = false
        while let event = connection.nextEvent() {
            tookAny = true
            events.append(event)
            switch event {
            case .connectionIDIssued(let id): endpoint.register(connection, for: id)
            case .connectionIDRetired(let id): endpoint.unregister(id)
            case .streamReadable(let id): read(id)
            default: break
            }
            onEvent?(event, self)
        }
        return tookAny
    }

    /// Builds every datagram that may leave now.
    package func write(now: QUICTime) -> [[UInt8]] {
        var datagrams: [[UInt8]] = []
        connection.writeDatagrams(using: scratch, now: now) { run in
            for datagram in run.datagrams {
                datagrams.append(Array(datagram))
            }
            return .sent
        }
        return datagrams
    }

    private func read(_ id: QUICStreamID) {
        guard let data = connection.receive(from: id) else { return }
        if let bytes = data.bytes {
            received[id, default: []].append(contentsOf: bytes.readableBytesView)
            if reading == .consuming, !stalledStreams.contains(id) {
                connection.consume(bytes.readableBytes, on: id)
            }
        }
        if data.isLast {
            finishedStreams.insert(id)
        }
    }
}

@available(*, unavailable)
extension ConnectionEnd: Sendable {}
