import Foundation
import Synchronization

/// Plays the SCEP server's verify endpoint, which the listener asks about each client certificate.
package final class SCEPStub: Sendable {
    /// How it answers; may change while it runs.
    package enum Answer: Sendable {
        case response(status: Int, body: String)
        /// Takes the request and says nothing.
        case silence
        /// Takes the request and aborts the connection.
        case abruptClose

        /// The answer of a real server that knows the client.
        package static func admit(_ uid: String) -> Answer {
            .response(status: 200, body: #"{"status":"ok","uid":"\#(uid)","attributes":{"group":"staff"}}"#)
        }

        /// The answer of a real server to a certificate that it does not take.
        package static func refuse(_ message: String) -> Answer {
            .response(status: 401, body: #"{"message":"\#(message)"}"#)
        }
    }

    /// A request as it came.
    package struct Request: Sendable {
        package let startLine: String
        /// The field `X-Mtls-Clientcert`, still percent-encoded.
        package let clientCertificate: String?
    }

    /// The value for `SWL_SCEP_URL`.
    package var url: String { "http://\(server.endpoint)/api/cert/verify" }

    private struct State: Sendable {
        var answer: Answer
        var requests: [Request] = []
    }

    private let state: Monitor<State>
    private let server: TargetServer

    package init(_ answer: Answer) throws {
        let state = Monitor(State(answer: answer))
        self.state = state
        server = try TargetServer { peer in try Self.serve(peer, state) }
    }

    /// Answers from now on like this.
    package func answer(_ answer: Answer) {
        state.withLock { $0.answer = answer }
    }

    /// The requests so far, once there are at least `count`; throws when they do not come in time.
    package func requests(atLeast count: Int, timeout: Duration = Deadline.patience) throws -> [Request] {
        let requests = state.wait(until: .after(timeout)) { $0.requests.count >= count ? $0.requests : nil }
        guard let requests else { throw SocketError.timedOut("\(count) requests at the SCEP stub") }
        return requests
    }

    private static func serve(_ peer: TCPPeer, _ state: Monitor<State>) throws {
        // A client may keep its connection and ask again on it.
        while true {
            let head = try HTTPHead(from: peer, timeout: .seconds(600))
            let request = Request(startLine: head.startLine, clientCertificate: head.field("X-Mtls-Clientcert"))
            let answer = state.withLock { state in
                state.requests.append(request)
                return state.answer
            }
            switch answer {
            case .response(let status, let body):
                try peer.send(
                    "HTTP/1.1 \(status) As Told\r\nContent-Type: application/json\r\n"
                        + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
                )
            case .silence:
                // Until the client gives up.
                _ = try peer.receiveToEnd(timeout: .seconds(600))
                return
            case .abruptClose:
                try peer.reset()
                return
            }
        }
    }
}
