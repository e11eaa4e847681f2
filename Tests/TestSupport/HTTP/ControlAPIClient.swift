import Foundation

/// Speaks to a listener's control API as the operator's curl does.
package struct ControlAPIClient: Sendable {
    /// What `/list` says about one forward; members that it may gain are passed over.
    package struct Forward: Decodable, Hashable, Sendable {
        package let port: Int
        package let uid: String
        package let connectAddress: String
        package let connectPort: Int

        package init(port: Int, uid: String, target: HostPort) {
            self.port = port
            self.uid = uid
            connectAddress = target.host
            connectPort = target.port
        }
    }

    package let endpoint: HostPort

    package init(endpoint: HostPort) {
        self.endpoint = endpoint
    }

    /// One request, with any method, path, fields and body.
    package func request(
        _ method: String,
        _ path: String,
        fields: [String: String] = [:],
        body: String? = nil,
        timeout: Duration = Deadline.patience
    ) throws -> HTTPResponse {
        let peer = try TCPPeer(connectingTo: endpoint, timeout: timeout)
        defer { peer.close() }
        var all = ["Host": endpoint.description, "Connection": "close"]
        if let body { all["Content-Length"] = "\(body.utf8.count)" }
        all.merge(fields) { $1 }
        let head = all.sorted { $0.key < $1.key }.map { "\($0): \($1)\r\n" }.joined()
        let message = "\(method) \(path) HTTP/1.1\r\n\(head)\r\n\(body ?? "")"

        // Like curl, it listens while it sends: a server may answer a body that is too large and read no more of it.
        let sent = Monitor(false)
        Thread {
            // Whether all of it could be sent does not matter, the answer does.
            try? peer.send(message, timeout: timeout)
            sent.withLock { $0 = true }
        }.start()
        defer {
            peer.abandon()
            _ = sent.wait(until: .after(timeout)) { $0 ? true : nil }
        }
        return try HTTPResponse(from: peer, timeout: timeout)
    }

    /// A request with a JSON body.
    package func request(
        _ method: String,
        _ path: String,
        json: String,
        accept: String? = nil
    ) throws -> HTTPResponse {
        var fields = ["Content-Type": "application/json"]
        fields["Accept"] = accept
        return try request(method, path, fields: fields, body: json)
    }

    /// `POST /open`, answered with text as the original does.
    package func open(uid: String, port: Int, target: HostPort, accept: String? = nil) throws -> HTTPResponse {
        let json = """
            {"uid":"\(uid)","port":\(port),"connect_address":"\(target.host)","connect_port":\(target.port)}
            """
        return try request("POST", "/open", json: json, accept: accept)
    }

    /// `DELETE /close`.
    package func close(port: Int) throws -> HTTPResponse {
        try request("DELETE", "/close", json: #"{"port":\#(port)}"#)
    }

    /// `GET /list`.
    package func list() throws -> [Forward] {
        let response = try request("GET", "/list")
        guard response.status == 200 else { throw UnexpectedResponse(response) }
        return try response.decoded(as: [Forward].self)
    }
}

/// An answer of the control API that a test did not ask for.
package struct UnexpectedResponse: Error, CustomStringConvertible {
    package let description: String

    package init(_ response: HTTPResponse) {
        description = "the control API answered \(response.status): \(response.body)"
    }
}
