internal import NIOCore

/// The streams of a connection that have something to send, and whose turn it is to fill the next packet.
///
/// Messages, which fit into a packet, go first, in the order in which they came; all other streams take turns of
/// ``turnBytes``. So a bulk transfer does not delay a keystroke, and what arrives of a stream arrives in pieces that are
/// worth a system call. Each stream of many is served as in deficit round robin (Shreedhar and Varghese, 1995); the two
/// tiers are those of FQ-CoDel (RFC 8290 §4.2).
struct SendQueue {
    /// What a stream may send before it is somebody else's turn, in bytes.
    static let turnBytes = 32 * 1024
    /// The most bytes that count as a message: they fit into one packet on every path.
    static let messageBytes = 1024
    /// How many messages may go before waiting bulk gets a packet.
    private static let messagesInRow = 16

    /// Whether bulk has to wait (``BulkLimit``), but for the packet that it gets after many messages.
    var holdsBulk = false

    private var messages = CircularBuffer<QUICStream>()
    private var bulk = CircularBuffer<QUICStream>()
    private var messagesSinceBulk = 0

    /// Whose turn it is.
    var first: QUICStream? {
        if messagesSinceBulk >= Self.messagesInRow, let waiting = bulk.first { return waiting }
        return messages.first ?? (holdsBulk ? nil : bulk.first)
    }

    /// Whether another stream can fill what the first one leaves of a packet.
    var hasSecond: Bool { holdsBulk ? messages.count > 1 : count > 1 }

    var isEmpty: Bool { messages.isEmpty && bulk.isEmpty }

    var count: Int { messages.count + bulk.count }

    /// Whether all that a stream has to send is a message.
    static func hasMessage(in stream: QUICStream) -> Bool {
        stream.sendBuffer.unsentBytes <= messageBytes
    }

    /// Puts a stream at the end of its tier. It must not be queued yet.
    mutating func append(_ stream: QUICStream) {
        stream.isInSendQueue = true
        stream.turnBytesLeft = Self.turnBytes
        if Self.hasMessage(in: stream) {
            messages.append(stream)
        } else {
            bulk.append(stream)
        }
    }

    /// `count` bytes of a queued stream went into a packet: removes it when it has no more, or passes its turn on.
    mutating func sent(_ count: Int, of stream: QUICStream) {
        if stream === messages.first {
            messagesSinceBulk = bulk.isEmpty ? 0 : messagesSinceBulk + 1
            remove(stream)
            if stream.hasSomethingToSend {
                append(stream)
            }
            return
        }
        messagesSinceBulk = 0
        stream.turnBytesLeft -= count
        if !stream.hasSomethingToSend {
            remove(stream)
        } else if stream.turnBytesLeft <= 0, stream === bulk.first {
            remove(stream)
            append(stream)
        }
    }

    /// Takes a stream out; quick for the one whose turn it is.
    mutating func remove(_ stream: QUICStream) {
        stream.isInSendQueue = false
        if messages.first === stream {
            messages.removeFirst()
        } else if bulk.first === stream {
            bulk.removeFirst()
        } else {
            messages.removeAll { $0 === stream }
            bulk.removeAll { $0 === stream }
        }
    }

    mutating func removeAll() {
        messages.removeAll()
        bulk.removeAll()
    }

    /// The first stream for which `condition` holds.
    func first(where condition: (QUICStream) -> Bool) -> QUICStream? {
        messages.first(where: condition) ?? bulk.first(where: condition)
    }
}

@available(*, unavailable)
extension SendQueue: Sendable {}
