import TestSupport
import Testing

/// Marks a suite whose tests start real processes and speak to them with blocking calls.
///
/// Such a test runs on `BlockingExecutor`, where blocking costs nothing but a thread, and waits for its turn at
/// `EndToEndGate`. Its `async let` and task-group children run there too. What it makes lives until its end
/// (`TestLifetime`).
struct EndToEndTrait: SuiteTrait, TestTrait, TestScoping {
    let weight: Int
    var isRecursive: Bool { true }

    func provideScope(
        for test: Test,
        testCase: Test.Case?,
        performing function: @Sendable () async throws -> Void
    ) async throws {
        _ = OpenFileLimit.raise()
        await EndToEndGate.shared.enter(weight: weight)
        do {
            try await withTaskExecutorPreference(BlockingExecutor.shared) {
                try await TestLifetime.ofTest { try await function() }
            }
        } catch {
            await EndToEndGate.shared.leave(weight: weight)
            throw error
        }
        await EndToEndGate.shared.leave(weight: weight)
    }
}

extension Trait where Self == EndToEndTrait {
    /// A test that starts a few processes.
    static var endToEnd: EndToEndTrait { EndToEndTrait(weight: 1) }

    /// A test that moves so many bytes that it keeps a core busy.
    static var heavyEndToEnd: EndToEndTrait { EndToEndTrait(weight: 2) }

    /// A test that measures, or fills the machine: no other end-to-end test runs beside it.
    static var loneEndToEnd: EndToEndTrait { EndToEndTrait(weight: EndToEndGate.permits) }
}
