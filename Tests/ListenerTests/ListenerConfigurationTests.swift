import Logging
import NIOCore
import Shared
import TestSupport
import Testing

@testable import Listener

@Suite("ListenerConfiguration")
struct ListenerConfigurationTests {
    /// Parses an environment with usable files and `changes`; nil unsets a variable.
    private func parse(_ changes: [String: String?] = [:]) async throws -> ListenerConfiguration {
        try await ScratchFolder.with("settings") { folder in
            var environment = ["PATH": "/bin"]
            for name in ["SWL_CERT_PATH", "SWL_KEY_PATH", "SWL_CA_PATH"] {
                environment[name] = try folder.write("PEM", to: name)
            }
            for (name, value) in changes {
                environment[name] = value
            }
            return try ListenerConfiguration(environment: environment)
        }
    }

    private func error(_ changes: [String: String?]) async throws -> SettingError? {
        await #expect(throws: SettingError.self) { _ = try await parse(changes) }
    }

    @Test func threeFilesAreEnoughAndTheRestHasDefaults() async throws {
        let configuration = try await parse()
        #expect(configuration.certificateFile.path.hasSuffix("/SWL_CERT_PATH"))
        #expect(configuration.privateKeyFile.path.hasSuffix("/SWL_KEY_PATH"))
        #expect(configuration.clientCAFile.path.hasSuffix("/SWL_CA_PATH"))
        #expect(configuration.quicAddress.hostAndPort == "0.0.0.0:11443")
        #expect(configuration.apiAddress.hostAndPort == "127.0.0.1:8080")
        #expect(configuration.forwardAddress.hostAndPort == "0.0.0.0:0")
        #expect(configuration.scep == nil)
        #expect(configuration.maxHalfOpenHandshakes == 1000)
        #expect(configuration.retryThreshold == 100)
        #expect(configuration.congestionController == .standard)
        #expect(configuration.visitorWait == .seconds(5))
        #expect(configuration.logLevel == .info)
    }

    @Test func everyVariableIsTaken() async throws {
        let configuration = try await parse([
            "SWL_ADDRS": "::", "SWL_PORT": "0", "APIS_ADDRS": "0.0.0.0", "APIS_PORT": "65535",
            "SWL_FORWARD_ADDRS": "127.0.0.1", "SWL_SCEP_URL": "https://scep.example:3000/api/cert/verify",
            "SWL_SCEP_TIMEOUT": "0.5", "SWL_SCEP_RECHECK": "60", "SWL_MAX_HALF_OPEN": "5", "SWL_RETRY_THRESHOLD": "0",
            "SWL_VISITOR_WAIT": "0", "SWL_CONGESTION_CONTROL": "bbr", "SWL_LOG_LEVEL": "trace",
        ])
        #expect(configuration.quicAddress.hostAndPort == "[::]:0")
        #expect(configuration.apiAddress.hostAndPort == "0.0.0.0:65535")
        #expect(configuration.forwardAddress.hostAndPort == "127.0.0.1:0")
        #expect(configuration.scep?.endpoint.url == "https://scep.example:3000/api/cert/verify")
        #expect(configuration.scep?.timeout == .milliseconds(500))
        #expect(configuration.scep?.recheckInterval == .seconds(60))
        #expect(configuration.maxHalfOpenHandshakes == 5)
        #expect(configuration.retryThreshold == 0)
        #expect(configuration.congestionController == .bbr)
        #expect(configuration.visitorWait == .zero)
        #expect(configuration.logLevel == .trace)
    }

    @Test func recheckOfZeroMeansNever() async throws {
        let configuration = try await parse(["SWL_SCEP_URL": "http://127.0.0.1/", "SWL_SCEP_RECHECK": "0"])
        #expect(configuration.scep?.timeout == .seconds(5))
        #expect(configuration.scep?.recheckInterval == nil)
    }

    @Test(arguments: ["SWL_CERT_PATH", "SWL_KEY_PATH", "SWL_CA_PATH"])
    func missingFileIsNamedByItsVariable(name: String) async throws {
        let unset = try await error([name: nil])
        #expect(unset?.setting == name)
        #expect(unset?.problem == "is not set")
        let wrong = try await error([name: "/nowhere/x.pem"])
        #expect(wrong?.setting == name)
        #expect(wrong?.value == "/nowhere/x.pem")
        #expect(wrong?.problem == "does not exist")
    }

    @Test(arguments: [
        ("SWL_ADDRS", "here"), ("SWL_ADDRS", "1.2.3"), ("SWL_PORT", "65536"), ("SWL_PORT", "-1"), ("SWL_PORT", "x"),
        ("APIS_ADDRS", "127.0.0.1:80"), ("APIS_PORT", "80 "), ("SWL_FORWARD_ADDRS", "eth0"),
        ("SWL_SCEP_URL", "scep.example"), ("SWL_SCEP_URL", "ftp://scep.example/"), ("SWL_SCEP_URL", "http://"),
        ("SWL_SCEP_URL", "http:///path"), ("SWL_SCEP_URL", "http://a b/"), ("SWL_SCEP_URL", "http://h:99999/"),
        ("SWL_SCEP_TIMEOUT", "0"), ("SWL_SCEP_TIMEOUT", "61"), ("SWL_SCEP_RECHECK", "0.5"),
        ("SWL_SCEP_RECHECK", "86401"), ("SWL_MAX_HALF_OPEN", "0"), ("SWL_MAX_HALF_OPEN", "100001"),
        ("SWL_RETRY_THRESHOLD", "100001"), ("SWL_VISITOR_WAIT", "61"), ("SWL_VISITOR_WAIT", "soon"),
        ("SWL_CONGESTION_CONTROL", "vegas"), ("SWL_CONGESTION_CONTROL", "CUBIC"), ("SWL_LOG_LEVEL", "loud"),
    ])
    func valueThatCannotBeUsedIsNamed(name: String, value: String) async throws {
        let error = try await error([name: value])
        #expect(error?.setting == name)
        #expect(error?.value == value)
        #expect(error?.remedy.isEmpty == false)
    }

    @Test(arguments: ["SWL_SCEP_URL", "SWL_PORT", "SWL_CA_PATH", "SWL_LOG_LEVEL"])
    func emptyVariableIsAnErrorRatherThanUnset(name: String) async throws {
        let error = try await error([name: ""])
        #expect(error?.setting == name)
        #expect(error?.problem == "is set but empty")
    }
}
