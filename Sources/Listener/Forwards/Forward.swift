package import Shared

/// An opened listener port and what visitors to it reach: a target, dialled by the connector with a client UID.
///
/// Outlives the sessions of its UID: while none is live, visitors are turned away, and the next session serves them again.
/// Outlives the listener's process, too: it is stored from ``ForwardTable/open(_:)`` to ``ForwardTable/close(_:)``.
package struct Forward: Hashable, Sendable {
    /// Zero only in a request to open any free port.
    package let port: ForwardPort
    package let uid: ClientUID
    package let target: TargetAddress

    package init(port: ForwardPort, uid: ClientUID, target: TargetAddress) {
        self.port = port
        self.uid = uid
        self.target = target
    }

    /// The same forward on the port that it really got.
    func on(_ port: ForwardPort) -> Forward {
        Forward(port: port, uid: uid, target: target)
    }
}
