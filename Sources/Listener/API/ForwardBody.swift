import Shared

/// A forward as `/open` shows it: the members of the original's `/list`; more may follow.
struct ForwardBody: Encodable {
    private enum CodingKeys: String, CodingKey {
        case port
        case uid
        case connectAddress = "connect_address"
        case connectPort = "connect_port"
    }

    private let port: UInt16
    private let uid: String
    private let connectAddress: String
    private let connectPort: UInt16

    init(_ forward: Forward) {
        port = forward.port.number
        uid = forward.uid.text
        connectAddress = forward.target.host
        connectPort = forward.target.port
    }
}
