import NIOCore

/// Gives up a dial whose visitor has left: closes what it has opened so far, and lets it open nothing more.
///
/// Confined to the dial's event loop.
final class DialCancellation {
    private var channels: [any Channel] = []
    private var isCancelled = false

    /// The dial's future fails soon, unless a name is being resolved: that runs to its end first.
    func cancel() {
        isCancelled = true
        for channel in channels {
            channel.close(promise: nil)
        }
        channels.removeAll()
    }

    /// Takes note of a channel that the dial has opened.
    ///
    /// - Throws: `CancellationError` when it is not wanted any more.
    func add(_ channel: any Channel) throws {
        guard !isCancelled else { throw CancellationError() }
        channels.append(channel)
    }
}

@available(*, unavailable)
extension DialCancellation: Sendable {}
