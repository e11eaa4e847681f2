import Shared

/// A forward as the state file has it.
struct StoredForward: Hashable, Sendable {
    let forward: Forward
    /// When it was stored, in seconds since 1970: for people who look into the file.
    let openedAt: Int64
}
