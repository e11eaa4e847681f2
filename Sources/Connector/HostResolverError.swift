import Glibc
import Shared

/// Why a host has no addresses, in words for a person.
enum HostResolverError: Error, Hashable, Sendable {
    /// There is no such name, or no name server that knows.
    case notFound(String)
    /// This machine is out of memory or descriptors, or too many names are being asked for.
    case overloaded(String)
    /// Nobody waited for the answer any more.
    case cancelled

    /// - Parameters:
    ///   - code: What getaddrinfo(3) returned, other than 0.
    ///   - errno: What `errno` was then; it counts when the code is `EAI_SYSTEM`.
    init(_ code: CInt, errno: CInt) {
        switch code {
        case EAI_MEMORY:
            self = .overloaded(Self.text(of: code))
        case EAI_SYSTEM:
            let reason = SystemErrorCode(errno).description
            self = TargetDialError.isExhaustion(errno) ? .overloaded(reason) : .notFound(reason)
        default:
            self = .notFound(Self.text(of: code))
        }
    }

    private static func text(of code: CInt) -> String {
        gai_strerror(code).map { String(cString: $0) } ?? "error \(code)"
    }
}

extension HostResolverError: CustomStringConvertible {
    var description: String {
        switch self {
        case .notFound(let reason), .overloaded(let reason): reason
        case .cancelled: "cancelled"
        }
    }
}
