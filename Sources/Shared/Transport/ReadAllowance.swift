internal import NIOCore

/// How much a relay's channel may read at once: the same for all relays of a transport, and so of a process.
///
/// A read's fixed costs are large: TCP's acknowledgement alone, which the reader's CPU carries as far as the sender, is a
/// tenth of a bulk relay's. But what is read and may not leave lies in memory, a stalled stream holding the whole of its
/// last read, and all else waits until what was read has left. So reads are large only while little lies about and nobody
/// waits: while no message (see ``SendQueue``) is under way beside the bulk.
///
/// Confined to its event loop.
final class ReadAllowance {
    /// In bytes, while there is nothing but bulk.
    static let bulkBytes = 512 * 1024
    /// In bytes, beside messages.
    static let besideMessagesBytes = 128 * 1024
    /// In bytes, while more than ``unsentLimitBytes`` are unsent.
    static let scarceBytes = 64 * 1024
    /// On all streams of all connections.
    static let unsentLimitBytes = 8 * 1024 * 1024
    /// For so long after a message others are expected.
    private static let messageTime = TimeAmount.milliseconds(100)

    private let current: NIOLoopBoundBox<Int>
    private var unsentBytes = 0
    private var messagesUntil: QUICTime?

    init(eventLoop: any EventLoop) {
        current = NIOLoopBoundBox(Self.bulkBytes, eventLoop: eventLoop)
    }

    /// A connection was driven, or has ended with nothing unsent.
    ///
    /// - Parameters:
    ///   - change: how many more of its bytes are unsent than when it was driven before.
    ///   - hadMessage: whether a message was among what it was given to send.
    func connectionDriven(unsentBytesChanged change: Int, hadMessage: Bool, now: QUICTime) {
        unsentBytes += change
        if hadMessage {
            messagesUntil = now + Self.messageTime
        } else if let end = messagesUntil, end < now {
            messagesUntil = nil
        }
        current.value =
            if unsentBytes > Self.unsentLimitBytes {
                Self.scarceBytes
            } else if messagesUntil != nil {
                Self.besideMessagesBytes
            } else {
                Self.bulkBytes
            }
    }

    /// For a channel that has filled a read of `bytes` bytes.
    func allocator(after bytes: Int) -> RelayReadAllocator {
        RelayReadAllocator(after: bytes, limit: current)
    }
}

@available(*, unavailable)
extension ReadAllowance: Sendable {}
