import Glibc
package import NIOCore
package import Shared

/// Why a forward could not be opened or closed, or is not listened on. The descriptions are the texts that the control
/// API answers with.
package enum ForwardError: Error, Hashable {
    /// No session is live for the client UID.
    case unknownClientUID(ClientUID)
    /// The port is taken: by another forward, by a closing one, or by another program.
    case portInUse(ForwardPort, cause: String)
    /// The operating system does not let this process listen on the port.
    case portForbidden(ForwardPort, cause: String)
    /// The address to listen on is none of this machine's.
    case addressUnavailable(address: String, cause: String)
    /// The process or machine is out of sockets or memory for now.
    case outOfResources(ForwardPort, cause: String)
    /// Listening failed for a reason that none of the others describes.
    case cannotListen(ForwardPort, cause: String)
    /// The listening socket failed, long after it was opened.
    case socketFailed(ForwardPort)
    /// The forward could not be stored, and so would be lost at the next start; it is closed.
    case notStored(ForwardPort, cause: String)
    /// The stored forward could not be removed, and so would be back at the next start; it is still open.
    case notRemoved(ForwardPort, cause: String)
    /// No such port is open.
    case notFound(ForwardPort)
    /// The listener is about to stop.
    case shuttingDown

    /// What a failure to listen on `port` at `address` means.
    package init(_ error: any Error, port: ForwardPort, address: SocketAddress) {
        guard let error = error as? IOError else {
            self = .cannotListen(port, cause: "\(error)")
            return
        }
        let cause = "\(SystemErrorCode(error.errnoCode))"
        switch error.errnoCode {
        case EADDRINUSE: self = .portInUse(port, cause: cause)
        case EACCES, EPERM: self = .portForbidden(port, cause: cause)
        case EADDRNOTAVAIL, EAFNOSUPPORT:
            self = .addressUnavailable(address: address.ipAddress ?? "\(address)", cause: cause)
        case EMFILE, ENFILE, ENOBUFS, ENOMEM: self = .outOfResources(port, cause: cause)
        default: self = .cannotListen(port, cause: cause)
        }
    }
}

extension ForwardError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unknownClientUID:
            "No QUIC connection exists for the specified UID."
        case .portInUse(let port, let cause):
            "Failed to create TcpListener: port \(port): \(cause)"
        case .portForbidden(let port, let cause):
            "Failed to create TcpListener: port \(port): \(cause). Use a port above 1023, or give the listener CAP_NET_BIND_SERVICE."
        case .addressUnavailable(let address, let cause):
            "Failed to create TcpListener: address \(address): \(cause). Set SWL_FORWARD_ADDRS to an address of this machine."
        case .outOfResources(let port, let cause):
            "Failed to create TcpListener: port \(port): \(cause). Close forwards, or raise the listener's limit of open files."
        case .cannotListen(let port, let cause):
            "Failed to create TcpListener: port \(port): \(cause)"
        case .socketFailed(let port):
            "Port \(port): its listening socket failed."
        case .notStored(let port, let cause):
            "Failed to store port \(port), which is closed again: \(cause)"
        case .notRemoved(let port, let cause):
            "Failed to remove port \(port) from the store, so that it is still open: \(cause)"
        case .notFound(let port):
            "Task \(port) not found"
        case .shuttingDown:
            "The listener is shutting down."
        }
    }
}
