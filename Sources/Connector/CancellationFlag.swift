import Synchronization

/// Tells work that waits on another thread that nobody needs it any more.
final class CancellationFlag: Sendable {
    private let flag = Atomic(false)

    var isSet: Bool { flag.load(ordering: .relaxed) }

    /// May be called from any thread, and more than once.
    func set() {
        flag.store(true, ordering: .relaxed)
    }
}
