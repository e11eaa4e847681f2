import Shared

extension Forward {
    /// The body of `POST /open`: `{"uid": "…", "port": 8080, "connect_address": "…", "connect_port": 80}`.
    ///
    /// - Throws: ``APIError`` that names the member at fault.
    init(openRequest body: JSONObject) throws(APIError) {
        let uidText = try body.read { body throws(JSONProblem) in try body.string("uid") }
        let port = try body.read { body throws(JSONProblem) in try body.integer("port", in: UInt16.min...UInt16.max) }
        let host = try body.read { body throws(JSONProblem) in try body.string("connect_address") }
        let targetPort = try body.read { body throws(JSONProblem) in
            try body.integer("connect_port", in: UInt16(1)...UInt16.max)
        }
        let uid: ClientUID
        do throws(ClientUIDError) {
            uid = try ClientUID(uidText)
        } catch {
            throw .invalidMember("uid", problem: "\(error)")
        }
        let target: TargetAddress
        do throws(TargetAddressError) {
            target = try TargetAddress(host: host, port: targetPort)
        } catch {
            throw .invalidMember("connect_address", problem: "\(error)")
        }
        self.init(port: ForwardPort(port), uid: uid, target: target)
    }
}

extension ForwardPort {
    /// The body of `DELETE /close`: `{"port": 8080}`.
    ///
    /// - Throws: ``APIError`` that names the member at fault.
    init(closeRequest body: JSONObject) throws(APIError) {
        self.init(try body.read { body throws(JSONProblem) in try body.integer("port", in: UInt16.min...UInt16.max) })
    }
}

extension JSONObject {
    fileprivate func read<Value>(_ body: (JSONObject) throws(JSONProblem) -> Value) throws(APIError) -> Value {
        do throws(JSONProblem) {
            return try body(self)
        } catch {
            throw .malformedBody(error)
        }
    }
}
