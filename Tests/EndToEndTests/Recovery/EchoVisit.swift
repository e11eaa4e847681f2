import TestSupport

/// A visitor with a question for an echo target.
struct EchoVisit {
    private static let question = "is this port served?"

    private let peer: TCPPeer

    /// Connects at once, and throws when nobody listens.
    init(_ port: Int) throws {
        peer = try TCPPeer(connectingTo: HostPort(port: port))
        try peer.send(Self.question)
        try peer.finish()
    }

    /// Connects as soon as somebody listens.
    static func first(_ port: Int, until deadline: Deadline) throws -> EchoVisit {
        var visit: EchoVisit?
        _ = try Polling.wait(timeout: deadline.remaining) {
            do {
                visit = try EchoVisit(port)
                return true
            } catch SocketError.system(call: "connect", _) {
                return false
            }
        }
        guard let visit else { throw SocketError.timedOut("connect to port \(port)") }
        return visit
    }

    /// How it ends: with its question, or with a reset.
    enum Outcome: Hashable {
        case served, reset
    }

    /// - Throws: when it ends in any other way, or not in time.
    func outcome(until deadline: Deadline) throws -> Outcome {
        defer { peer.close() }
        let received = try peer.receiveToEnd(timeout: deadline.remaining)
        switch received {
        case Received(Self.question, .finished): return .served
        case Received("", .reset): return .reset
        default: throw SocketError.malformed("a visitor got \(received)")
        }
    }

    /// Visits a port again and again until it is served.
    static func untilServed(_ port: Int, until deadline: Deadline) throws {
        let isServed = try Polling.wait(timeout: deadline.remaining) {
            try EchoVisit(port).outcome(until: deadline) == .served
        }
        guard isServed else { throw SocketError.timedOut("a visit to port \(port) that is served") }
    }
}
