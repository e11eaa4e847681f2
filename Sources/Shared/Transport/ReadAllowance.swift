internal import NIOCore

/// How much a relay's channel may read at once: the same for all relays of a transport, and so of a process.
///
/// A read's fixed costs are large: TCP's acknowledgement alone, which the reader's CPU carries as far as the sender, is a
/// tenth of a bulk relay's. What is read and may not leave lies in memory, though, and a stalled stream holds the whole of
/// its last read. So reads are large while little lies about.
///
/// Confined to its event loop.
final class ReadAllowance {
    /// In bytes, as a rule.
    static let usualBytes = 512 * 1024
    /// In bytes, while more than ``unsentLimitBytes`` are unsent.
    static let scarceBytes = 64 * 1024
    /// On all streams of all connections.
    static let unsentLimitBytes = 8 * 1024 * 1024

    private let current: NIOLoopBoundBox<Int>
    private var unsentBytes = 0

    init(eventLoop: any EventLoop) {
        current = NIOLoopBoundBox(Self.usualBytes, eventLoop: eventLoop)
    }

    /// The unsent bytes of one connection have become `change` more.
    func unsentBytesChanged(by change: Int) {
        guard change != 0 else { return }
        unsentBytes += change
        current.value = unsentBytes > Self.unsentLimitBytes ? Self.scarceBytes : Self.usualBytes
    }

    /// For a channel that has filled a read of `bytes` bytes.
    func allocator(after bytes: Int) -> RelayReadAllocator {
        RelayReadAllocator(after: bytes, limit: current)
    }
}

@available(*, unavailable)
extension ReadAllowance: Sendable {}
