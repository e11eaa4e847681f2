/// What becomes of a session when another connector with its client UID is admitted: the setting SWL_TAKEOVER.
enum TakeoverPolicy: String, Hashable, Sendable, CaseIterable {
    /// The holder is asked for a sign of life, and keeps the client UID if it gives one.
    case probe
    /// The newest connector always takes over.
    case newest
}
