package import Shared

/// Counts what one forward carries, from its opening (or the listener's start) until it is closed: sockets and sessions
/// come and go meanwhile.
///
/// Made with the forward's ``VisitorSet`` and confined to its event loop, the data path's. The relays of the forward's
/// visitors call it; ``reading`` is the copy for everybody else.
package final class ForwardMeter {
    /// Why the last dial that came to nothing did.
    package struct DialFailure: Hashable, Sendable {
        package let status: RelayStatus
        /// What the connector said about it, made safe for one line; empty if it said nothing.
        package let detail: String
        /// Milliseconds since 1970.
        package let at: Int64
    }

    /// The meter at one moment.
    package struct Reading: Hashable, Sendable {
        package fileprivate(set) var openRelays = 0
        /// Bytes that visitors sent, without headers.
        package fileprivate(set) var bytesToTarget: UInt64 = 0
        package fileprivate(set) var bytesFromTarget: UInt64 = 0
        /// Stays when later dials succeed.
        package fileprivate(set) var lastDialFailure: DialFailure?

        package init() {}
    }

    /// What the wire allows a reply's details.
    static let maxDetailBytes = RelayReply.maximumDetailBytes

    package private(set) var reading = Reading()

    package init() {}

    /// A visitor got its relay.
    package func relayOpened() {
        reading.openRelays += 1
    }

    /// A relay that was counted by ``relayOpened()`` is over, however it ended.
    package func relayClosed() {
        precondition(reading.openRelays > 0, "a relay was closed twice")
        reading.openRelays -= 1
    }

    /// - Parameter count: bytes from a visitor, 0 or more.
    package func carried(toTarget count: Int) {
        reading.bytesToTarget += UInt64(count)
    }

    /// - Parameter count: bytes from a target, 0 or more.
    package func carried(fromTarget count: Int) {
        reading.bytesFromTarget += UInt64(count)
    }

    /// The connector could not join a relay with the target.
    ///
    /// - Parameters:
    ///   - status: any but `connected`.
    ///   - detail: as the connector gave it; made safe and bounded here.
    ///   - at: milliseconds since 1970.
    package func dialFailed(status: RelayStatus, detail: String, at: Int64) {
        let detail = detail.singleLine(limit: Self.maxDetailBytes)
        reading.lastDialFailure = DialFailure(status: status, detail: detail, at: at)
    }
}

@available(*, unavailable)
extension ForwardMeter: Sendable {}
