import Glibc
import NIOCore
import NIOPosix
import Shared

/// Dials the targets of relays, on the connection's event loop.
struct TargetDialer: Sendable {
    /// How long a target may take to answer, name resolution included.
    let timeout: TimeAmount

    /// - Returns: a connected channel that does not read yet; fails with ``TargetDialError``.
    func dial(_ target: TargetAddress, on eventLoop: any EventLoop) -> EventLoopFuture<any Channel> {
        let bootstrap = ClientBootstrap(group: eventLoop)
            .connectTimeout(timeout)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelOption(.autoRead, value: false)
        return bootstrap.connect(host: target.host, port: Int(target.port))
            .flatMapErrorThrowing { throw TargetDialError($0) }
    }
}

/// Why a target was not reached.
enum TargetDialError: Error, Hashable, Sendable {
    case timedOut
    case nameNotFound
    case unreachable(String)

    init(_ error: any Error) {
        switch error {
        case ChannelError.connectTimeout:
            self = .timedOut
        case let error as NIOConnectionError:
            if let first = error.connectionErrors.first {
                self.init(first.error)
            } else {
                self = .nameNotFound
            }
        default:
            self = .unreachable("\(error)")
        }
    }

    /// What the listener is told.
    var code: ApplicationErrorCode {
        switch self {
        case .timedOut: .dialTimedOut
        case .nameNotFound: .nameNotFound
        case .unreachable: .targetUnreachable
        }
    }
}

extension TargetDialError: CustomStringConvertible {
    var description: String {
        switch self {
        case .timedOut: "the target did not answer within the dial timeout"
        case .nameNotFound: "the target's name does not resolve"
        case .unreachable(let reason): reason
        }
    }
}
