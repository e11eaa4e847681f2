internal import CMemory
internal import NIOCore

/// Keeps the memory that busy relays free and take in turn, and gives back what only the start or a burst of relays
/// needed.
///
/// glibc by itself gives back each 128 KB at a heap's end at once: eight busy streams had 7,000 pages a second faulted in
/// again. What lies in between it keeps for the next who wants it: a hundred stalled relays that end leave some 50 MB. Here
/// both stay for an interval; what has lain free for so long is not wanted soon, and goes.
///
/// The start touches far more of the program and its libraries than their work does, and the kernel maps what lies around
/// each page as well (fault-around): 40 MB of the listener's code and constants, of which it goes on to use 8. They are
/// unmapped once, and the first to need them again waits a microsecond for each 64 KB. That frees no memory by itself,
/// since the pages stay in the page cache: it leaves them to the kernel, and the resident size says what is worked with.
///
/// Confined to the event loop that it was started on, and lives as long.
package final class MemoryKeeper {
    /// How often the heap is looked at: what is given back goes after one to two of these. The look takes microseconds.
    static let interval = TimeAmount.seconds(3)
    /// Less is not worth the page faults of those who want it back.
    static let worthwhileBytes = 4 * 1024 * 1024
    /// So much freed memory malloc may keep at a heap's end between two looks.
    private static let keptBytes: Int32 = 8 * 1024 * 1024

    private var policy = HeapTrimPolicy(worthwhileBytes: worthwhileBytes)
    private var isFirst = true

    /// Looks at the heap on `eventLoop` from now on. The first look, when the start is over, gives everything back.
    static func start(on eventLoop: any EventLoop) {
        keepFreedMemory()
        eventLoop.execute {
            let keeper = NIOLoopBound(MemoryKeeper(), eventLoop: eventLoop)
            eventLoop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in
                keeper.value.look()
            }
        }
    }

    /// Has malloc keep what is freed for the next who wants it. Process-wide; of its own for programs that measure what a
    /// busy daemon does.
    package static func keepFreedMemory() {
        warp_memory_keep_freed_heap(keptBytes)
    }

    func look() {
        let isWorthwhile = policy.shouldTrim(freeBytes: Int(warp_memory_free_heap()))
        if isWorthwhile || isFirst {
            warp_memory_trim_heap()
        }
        if isFirst {
            warp_memory_release_program_pages()
            isFirst = false
        }
    }
}

@available(*, unavailable)
extension MemoryKeeper: Sendable {}
