import Foundation
import Glibc
import Synchronization

/// Keeps the descriptors of the tests out of the processes that they start: a copy held by a daemon would keep a
/// connection open that the test has closed.
///
/// `pipe` and `accept` cannot mark a descriptor as it is made (the calls that can are not in Swift's Glibc module), so
/// they and the start of a process exclude each other.
enum DescriptorInheritance {
    private static let lock = Mutex(())

    /// Runs `make` and marks the descriptors that it returns, with no process starting in between.
    static func prevented(_ make: () -> [Int32]) -> [Int32] {
        lock.withLock { _ in
            let descriptors = make()
            for descriptor in descriptors where descriptor >= 0 { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
            return descriptors
        }
    }

    /// Runs `start`, which starts a process, with no unmarked descriptor around: those that the tests themselves were
    /// started with, such as a lock's, are marked too.
    static func whileStarting<Result>(_ start: () -> Result) -> Result {
        lock.withLock { _ in
            // A system without /proc would only lose the marks of foreign descriptors.
            let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
            for descriptor in names.compactMap({ Int32($0) }) where descriptor > STDERR_FILENO {
                _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            }
            return start()
        }
    }
}
