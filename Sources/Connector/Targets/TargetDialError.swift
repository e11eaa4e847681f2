import Glibc
import NIOCore
import NIOPosix
import Shared

/// Why a target was not reached.
enum TargetDialError: Error, Hashable, Sendable {
    /// It refused the connection.
    case refused
    /// No route, or another failure of the network.
    case unreachable(String)
    /// It did not answer within the dial timeout.
    case timedOut
    /// Its name does not resolve.
    case nameNotFound(String)
    /// The policy does not allow it.
    case notAllowed(TargetRefusal)
    /// This machine is out of descriptors or memory.
    case overloaded(String)

    /// Of several addresses' errors, the most telling one.
    init(_ error: any Error) {
        switch error {
        case let error as TargetDialError:
            self = error
        case let error as TargetRefusal:
            self = .notAllowed(error)
        case let error as HostResolverError:
            self.init(error)
        case ChannelError.connectTimeout:
            self = .timedOut
        case let error as NIOConnectionError:
            self.init(error)
        case let error as IOError:
            self.init(error)
        default:
            self = .unreachable("\(error)")
        }
    }

    private init(_ error: NIOConnectionError) {
        let failures = error.connectionErrors.map { TargetDialError($0.error) }
        if let telling = failures.max(by: { $0.significance < $1.significance }) {
            self = telling
        } else if let cause = error.dnsAAAAError ?? error.dnsAError {
            self.init(cause)
        } else {
            self = .nameNotFound("it has no address")
        }
    }

    private init(_ error: HostResolverError) {
        switch error {
        case .notFound(let reason): self = .nameNotFound(reason)
        case .overloaded(let reason): self = .overloaded(reason)
        case .cancelled: self = .timedOut
        }
    }

    private init(_ error: IOError) {
        switch error.errnoCode {
        case ECONNREFUSED: self = .refused
        case ETIMEDOUT: self = .timedOut
        case let code where Self.isExhaustion(code): self = .overloaded("\(error)")
        default: self = .unreachable("\(error)")
        }
    }

    /// Whether a system call failed because this machine is out of something, rather than by what it was asked for.
    static func isExhaustion(_ errno: CInt) -> Bool {
        errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS
    }

    /// The greater, the more it says about the target: that one address has no route is nothing beside the answer of
    /// another, and that we could not even try is what the operator has to mend.
    private var significance: Int {
        switch self {
        case .nameNotFound, .notAllowed: 0
        case .unreachable: 1
        case .timedOut: 2
        case .refused: 3
        case .overloaded: 4
        }
    }

    /// What the listener is told: in `hq-29` by the status' code.
    var status: RelayStatus {
        switch self {
        case .refused: .refused
        case .unreachable: .unreachable
        case .timedOut: .timedOut
        case .nameNotFound: .nameNotFound
        case .notAllowed: .notAllowed
        case .overloaded: .overloaded
        }
    }

    /// What the listener is told in words: as the description, but without the rules and addresses of this network, which
    /// are none of its business.
    var detail: String {
        switch self {
        case .notAllowed: "the connector's policy does not allow the target"
        case .refused, .unreachable, .timedOut, .nameNotFound, .overloaded: description
        }
    }
}

extension TargetDialError: CustomStringConvertible {
    var description: String {
        switch self {
        case .refused: "the target refused the connection"
        case .unreachable(let reason): reason
        case .timedOut: "the target did not answer within the dial timeout"
        case .nameNotFound(let reason): "the target's name does not resolve: \(reason)"
        case .notAllowed(let refusal): "the policy does not allow the target: \(refusal)"
        case .overloaded(let reason): "the connector is overloaded: \(reason)"
        }
    }
}
