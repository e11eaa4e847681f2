package import Shared

/// What a ``StateStore`` had kept from the listener's last run.
package struct StoredState: Sendable {
    /// By port.
    package let forwards: [Forward]
    /// Those of the last run, or new ones; stored in either case.
    package let keys: EndpointKeys
    /// The sessions that were live at the end of the last run, as far as it did not end them itself.
    package let sessions: [StoredSession]
    /// Sentences for the log: what was lost, and what to do about it. Empty when nothing was.
    package let losses: [String]
}
