import Shared

/// One complete HTTP response of a SCEP server, and what it says.
struct SCEPAnswer: Sendable {
    /// Above this a body is no answer to the question that was asked.
    static let maxBodyBytes = 65_536

    let status: Int
    let body: [UInt8]

    /// 2xx with a JSON object whose string `uid` names the client is a yes. 401 and 403 are a no, as is a `uid` that
    /// cannot be one. Everything else is an error of the server.
    var verdict: AuthorizationVerdict {
        switch status {
        case 200..<300: bodyVerdict
        case 401, 403: .refused(reason: "the SCEP server refused the certificate: \(message ?? "status \(status)")")
        case 300..<400: .undecided(reason: "the SCEP server answered with a redirect (status \(status))")
        default: .undecided(reason: "the SCEP server answered with status \(status)")
        }
    }

    private var bodyVerdict: AuthorizationVerdict {
        let text: String
        do throws(JSONProblem) {
            text = try JSONObject(parsing: body).string("uid")
        } catch {
            return .undecided(reason: "the SCEP server's answer cannot be used: \(error)")
        }
        do throws(ClientUIDError) {
            return .belongs(to: try ClientUID(text))
        } catch {
            return .refused(reason: "the SCEP server's client UID \(error)")
        }
    }

    /// The server's own words, if it gave any, made fit for a log line.
    private var message: String? {
        do throws(JSONProblem) {
            let message = try JSONObject(parsing: body).optionalString("message")
            return message.flatMap { $0.isEmpty ? nil : $0.singleLine(limit: 200) }
        } catch {
            // A refusal without a JSON body is a refusal all the same.
            return nil
        }
    }
}
