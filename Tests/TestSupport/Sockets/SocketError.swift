import Glibc

/// What can go wrong on a test's own sockets.
package enum SocketError: Error, Equatable, CustomStringConvertible {
    /// The peer did not do its part in time.
    case timedOut(String)
    /// The peer aborted the connection (RST).
    case reset(String)
    /// The peer ended its direction (FIN) before everything had come.
    case endedEarly(received: Int, expected: Int)
    /// A byte differs from what was sent.
    case corrupted(offset: Int)
    /// This end was closed by the test itself.
    case closedByTest
    case system(call: String, errno: Int32)
    case malformed(String)

    package var description: String {
        switch self {
        case .timedOut(let what): "timed out: \(what)"
        case .reset(let what): "reset by the peer: \(what)"
        case .endedEarly(let received, let expected): "the peer ended after \(received) of \(expected) bytes"
        case .corrupted(let offset): "wrong byte at offset \(offset)"
        case .closedByTest: "the test has closed this socket"
        case .system(let call, let errno): "\(call): \(String(cString: strerror(errno)))"
        case .malformed(let what): what
        }
    }

    /// The error for `errno` after a call: an RST of the peer shows as one of two codes.
    static func afterCall(_ call: String) -> SocketError {
        let code = errno
        return code == ECONNRESET || code == EPIPE ? .reset(call) : .system(call: call, errno: code)
    }
}
