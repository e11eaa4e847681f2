import Shared
import Synchronization

@testable import Listener

/// Stands in for the state store: keeps forwards in memory, and fails when a test wants it to.
final class StoredForwards: Sendable {
    struct Failure: Error, CustomStringConvertible {
        let description = "disk full"
    }

    private struct State {
        var forwards: [ForwardPort: Forward] = [:]
        var isFailing = false
    }

    private let state = Mutex(State())
    private let beforeSave: @Sendable (Forward) async throws -> Void
    private let beforeRemove: @Sendable (ForwardPort) async throws -> Void

    init(
        beforeSave: @escaping @Sendable (Forward) async throws -> Void = { _ in },
        beforeRemove: @escaping @Sendable (ForwardPort) async throws -> Void = { _ in }
    ) {
        self.beforeSave = beforeSave
        self.beforeRemove = beforeRemove
    }

    /// What the next start would restore, by port.
    var forwards: [Forward] {
        state.withLock { $0.forwards.values.sorted { $0.port < $1.port } }
    }

    var isFailing: Bool {
        get { state.withLock { $0.isFailing } }
        set { state.withLock { $0.isFailing = newValue } }
    }

    var recorder: ForwardRecorder {
        ForwardRecorder(
            save: { forward in
                try await self.beforeSave(forward)
                try self.change { $0[forward.port] = forward }
            },
            remove: { port in
                try await self.beforeRemove(port)
                try self.change { $0[port] = nil }
            }
        )
    }

    private func change(_ body: (inout [ForwardPort: Forward]) -> Void) throws {
        try state.withLock { state in
            guard !state.isFailing else { throw Failure() }
            body(&state.forwards)
        }
    }
}
