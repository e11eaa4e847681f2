import AsyncHTTPClient
package import NIOCore
import NIOHTTP1
import NIOPosix
import ServiceLifecycle
package import Shared

/// Asks a SCEP server whom a client certificate belongs to.
///
///     GET $SWL_SCEP_URL
///     X-Mtls-Clientcert: <percent-encoded PEM of the leaf certificate>
///
/// Owns an HTTP client, which ``run()`` gives back at shutdown. One per listener; any number of questions at a time.
package struct SCEPAuthorizer: Service {
    /// Pauses before the second and third attempt, in milliseconds: a restarting server is back by then, or is not soon.
    private static let retryPauses: [Duration] = [.milliseconds(50), .milliseconds(200)]

    private let endpoint: SCEPEndpoint
    private let timeout: TimeAmount
    private let client: HTTPClient

    /// - Parameters:
    ///   - timeout: For one question as a whole: connecting, retries, and the last byte of the answer.
    ///   - eventLoopGroup: Carries the connections; must outlive ``run()``.
    package init(endpoint: SCEPEndpoint, timeout: TimeAmount, eventLoopGroup: any EventLoopGroup) {
        self.endpoint = endpoint
        self.timeout = timeout
        // A redirect would send the question to a place that nobody configured.
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.timeout.connect = Self.clientTimeout(timeout)
        // Retries are counted here, within the timeout.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 16
        client = HTTPClient(eventLoopGroupProvider: .shared(eventLoopGroup), configuration: configuration)
    }

    /// Keeps the client until shutdown, then closes its connections. Whoever does not call this calls ``shutdown()``:
    /// a client that is merely forgotten traps in debug builds.
    package func run() async throws {
        do {
            try await gracefulShutdown()
        } catch is CancellationError {
            // Another service failed; the client is given back all the same.
        }
        try await shutdown()
    }

    /// Closes all connections. For owners that do not call ``run()``.
    package func shutdown() async throws {
        try await client.shutdown()
    }

    /// What the server says, or that it says nothing in time.
    package func verdict(on leaf: VerifiedCertificate) async -> AuthorizationVerdict {
        await withTaskGroup(of: AuthorizationVerdict.self) { race in
            race.addTask { await ask(about: leaf) }
            race.addTask { await silence() }
            defer { race.cancelAll() }
            return await race.next() ?? .undecided(reason: "the SCEP server was not asked")
        }
    }

    /// The verdict when the timeout is over, or at once when it no longer matters.
    private func silence() async -> AuthorizationVerdict {
        do {
            try await Task.sleep(for: .nanoseconds(timeout.nanoseconds))
        } catch {
            return .undecided(reason: "the question to the SCEP server was cancelled")
        }
        let seconds = Double(timeout.nanoseconds) / 1e9
        return .undecided(reason: "the SCEP server gave no complete answer within \(seconds) s")
    }

    private func ask(about leaf: VerifiedCertificate) async -> AuthorizationVerdict {
        do {
            let response = try await responseHead(about: leaf)
            do {
                let body = try await response.body.collect(upTo: SCEPAnswer.maxBodyBytes)
                return SCEPAnswer(status: Int(response.status.code), body: Array(body.readableBytesView)).verdict
            } catch is NIOTooManyBytesError {
                return .undecided(reason: "the SCEP server's answer is larger than \(SCEPAnswer.maxBodyBytes) bytes")
            } catch {
                return .undecided(reason: "the SCEP server broke off its answer: \(Self.text(of: error))")
            }
        } catch {
            return .undecided(reason: "the SCEP server cannot be asked: \(Self.text(of: error))")
        }
    }

    /// Sends the question, again after a network error, until there is a response.
    private func responseHead(about leaf: VerifiedCertificate) async throws -> HTTPClientResponse {
        var request = HTTPClientRequest(url: endpoint.url)
        request.headers.add(name: "X-Mtls-Clientcert", value: leaf.percentEncodedPEM)
        request.headers.add(name: "Accept", value: "application/json")
        for pause in Self.retryPauses {
            do {
                return try await client.execute(request, timeout: Self.clientTimeout(timeout))
            } catch  where Self.isNetworkError(error) {
                try await Task.sleep(for: pause)
            }
        }
        return try await client.execute(request, timeout: Self.clientTimeout(timeout))
    }

    /// The client's own timeouts never come before ours, which ends a question as a whole.
    private static func clientTimeout(_ timeout: TimeAmount) -> TimeAmount {
        timeout * 2
    }

    /// Whether the server may never have seen the question, so that asking again makes sense.
    private static func isNetworkError(_ error: any Error) -> Bool {
        switch error {
        case is NIOConnectionError, is IOError: true
        case let error as HTTPClientError: error == .remoteConnectionClosed || error == .connectTimeout
        default: false
        }
    }

    private static func text(of error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError:
            if error.dnsAError != nil || error.dnsAAAAError != nil, error.connectionErrors.isEmpty {
                "the host \(error.host) cannot be resolved"
            } else {
                error.connectionErrors.first.map { text(of: $0.error) } ?? "no connection to \(error.host)"
            }
        case let error as IOError: "\(SystemErrorCode(error.errnoCode))"
        case let error as HTTPClientError where error == .remoteConnectionClosed:
            "the connection was closed before an answer"
        default: "\(error)".singleLine(limit: 200)
        }
    }
}
