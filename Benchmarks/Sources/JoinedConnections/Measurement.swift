import CAllocations
import Glibc

/// What a piece of work has cost this process.
struct Measurement {
    /// User and system time of all threads, in seconds.
    let cpuSeconds: Double
    /// Blocks of memory that were asked for, whoever asked.
    let allocations: Int

    /// Does the work, in the section that callgrind can be told to count.
    init(of work: @escaping () -> Void) {
        let allocationsBefore = bench_allocation_count()
        let secondsBefore = Self.cpuSeconds()
        withUnsafePointer(to: work) { pointer in
            bench_measured_section(
                { context in context?.assumingMemoryBound(to: (() -> Void).self).pointee() },
                UnsafeMutableRawPointer(mutating: pointer)
            )
        }
        cpuSeconds = Self.cpuSeconds() - secondsBefore
        allocations = Int(bench_allocation_count() - allocationsBefore)
    }

    private static func cpuSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
