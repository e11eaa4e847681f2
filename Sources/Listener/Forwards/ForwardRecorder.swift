package import Shared

/// Where a ``ForwardTable`` keeps its forwards, so that they outlive the process.
///
/// Two functions and not the store: the table needs no more of it, and its tests need no database.
package struct ForwardRecorder: Sendable {
    /// Stores a forward in place of whatever was stored for its port. Durable when it returns.
    let save: @Sendable (Forward) async throws -> Void
    /// Forgets the forward of a port; no error if there is none. Durable when it returns.
    let remove: @Sendable (ForwardPort) async throws -> Void

    package init(
        save: @escaping @Sendable (Forward) async throws -> Void,
        remove: @escaping @Sendable (ForwardPort) async throws -> Void
    ) {
        self.save = save
        self.remove = remove
    }

    /// Keeps forwards in `store`; nil = nowhere.
    package init(_ store: StateStore?) {
        self.init(save: { try await store?.save($0) }, remove: { try await store?.remove($0) })
    }
}
