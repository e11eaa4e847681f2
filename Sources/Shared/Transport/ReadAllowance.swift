internal import NIOCore

/// How much a relay's channel may read at once: the same for all relays of a transport, and so of a process.
///
/// A read's fixed costs are large. TCP's acknowledgement alone is a tenth of a bulk relay's, where the peer is on the same
/// machine: the reader's CPU carries it through loopback, and begins the sender's answer. But what is read and may not
/// leave lies in memory, and all else waits until it was dealt with. So reads are large only while little lies about and no
/// messages (see ``SendQueue``) are sent beside the bulk.
///
/// Confined to its event loop.
final class ReadAllowance {
    /// In bytes, while there is nothing but bulk.
    static let bulkBytes = 512 * 1024
    /// In bytes, beside messages.
    static let besideMessagesBytes = 128 * 1024
    /// In bytes, while the chunks with unsent bytes of all connections take up more than ``unsentLimitBytes``.
    static let scarceBytes = 64 * 1024
    static let unsentLimitBytes = 8 * 1024 * 1024

    private let current: NIOLoopBoundBox<Int>
    private var unsentStorageBytes = 0
    // Of all connections, the latest.
    private var messagesUntil = QUICTime(nanoseconds: 0)

    init(eventLoop: any EventLoop) {
        current = NIOLoopBoundBox(Self.bulkBytes, eventLoop: eventLoop)
    }

    /// A connection was driven, or has ended with nothing unsent.
    ///
    /// - Parameters:
    ///   - change: by how much its ``QUICConnection/unsentStorageBytes`` have changed since the last call.
    ///   - end: its ``BulkLimit/messagesUntil``.
    func connectionDriven(unsentStorageChange change: Int, messagesUntil end: QUICTime, now: QUICTime) {
        unsentStorageBytes += change
        messagesUntil = max(messagesUntil, end)
        current.value =
            if unsentStorageBytes > Self.unsentLimitBytes {
                Self.scarceBytes
            } else if now <= messagesUntil {
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
