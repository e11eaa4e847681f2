package import NIOCore
package import Shared

/// What is needed to tell a connector, after a crash, that its session is gone: where it was, and the connection ID that
/// its packets are recognised by.
package struct StoredSession: Hashable, Sendable {
    package let uid: ClientUID
    /// An IP address and a port that is not zero.
    package let remoteAddress: SocketAddress
    /// 1 to ``QUICConnectionID/maximumLength`` bytes.
    package let connectionID: [UInt8]

    /// - Returns: nil when the address is no IP address with a port, or the connection ID has a wrong length.
    package init?(uid: ClientUID, remoteAddress: SocketAddress, connectionID: [UInt8]) {
        guard remoteAddress.ipAddress != nil, let port = remoteAddress.port, port > 0,
            1...QUICConnectionID.maximumLength ~= connectionID.count
        else { return nil }
        self.uid = uid
        self.remoteAddress = remoteAddress
        self.connectionID = connectionID
    }
}
