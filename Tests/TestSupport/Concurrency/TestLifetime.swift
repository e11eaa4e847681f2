import Synchronization

/// Keeps what a test makes until the test ends: processes, servers, sockets, folders.
///
/// Swift frees an object after its last use, which may lie long before the end of the test that relies on its being
/// there: a port that is held so that nobody listens on it, a peer that is connected and says nothing. So everything
/// with a life of its own registers here, and goes at the end of the test, or earlier when the test ends it by a call.
/// Outside a test, and on threads that belong to none, nothing is kept.
package final class TestLifetime: Sendable {
    @TaskLocal private static var current: TestLifetime?

    private let kept = Mutex<[any AnyObject & Sendable]>([])

    private init() {}

    /// Runs a test; what it makes lives until `body` returns.
    package static func ofTest(_ body: () async throws -> Void) async throws {
        let lifetime = TestLifetime()
        defer { lifetime.kept.withLock { $0 = [] } }
        try await $current.withValue(lifetime) { try await body() }
    }

    /// Runs a part of a test in which objects live no longer than their owners.
    package static func untilLastUse<Result>(_ body: () throws -> Result) rethrows -> Result {
        try $current.withValue(nil) { try body() }
    }

    /// Keeps `object` until the end of the test that runs on this task.
    static func keep(_ object: any AnyObject & Sendable) {
        current?.kept.withLock { $0.append(object) }
    }
}
