internal import CQuic

/// A call on a connection that could not be carried out.
package enum QUICError: Error, Hashable, Sendable {
    /// The peer grants no further stream for now.
    case streamLimitReached
    /// The connection is closing or gone.
    case connectionClosed
    /// ngtcp2 or GnuTLS refused, with its own name for the reason.
    case library(call: String, code: Int32, name: String)
}

extension QUICError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .streamLimitReached: "the peer grants no further stream for now"
        case .connectionClosed: "the connection is closed"
        case .library(let call, let code, let name): "\(call): \(name) (\(code))"
        }
    }

    /// The one mapping of ngtcp2's return codes.
    static func library(_ call: String, _ code: Int32) -> QUICError {
        .library(call: call, code: code, name: ngtcp2_strerror(code).map { String(cString: $0) } ?? "unknown error")
    }

    /// The same of GnuTLS' return codes.
    static func gnuTLS(_ call: String, _ code: Int32) -> QUICError {
        .library(call: call, code: code, name: gnutls_strerror(code).map { String(cString: $0) } ?? "unknown error")
    }
}
