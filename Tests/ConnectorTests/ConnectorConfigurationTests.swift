import Logging
import NIOCore
import Shared
import TestSupport
import Testing

@testable import Connector

@Suite("ConnectorConfiguration")
struct ConnectorConfigurationTests {
    private static let required = [
        "client_cert_path": #""certificate.pem""#,
        "client_key_path": #""key.pem""#,
        "ca_cert_path": #""ca.pem""#,
        "server_name": #""listener.example""#,
        "service_port": "11443",
    ]

    /// Parses settings of the required members with some replaced, added or, by nil, left out.
    private func parse(_ changes: [String: String?] = [:]) async throws -> ConnectorConfiguration {
        try await ScratchFolder.with("settings") { folder in
            for name in ["certificate.pem", "key.pem", "ca.pem"] {
                try folder.write("PEM", to: name)
            }
            var members = Self.required
            for (name, value) in changes {
                members[name] = value
            }
            let text = members.map { "\"\($0.key)\": \($0.value)" }.joined(separator: ",\n")
            return try ConnectorConfiguration(settingsPath: try folder.write("{\(text)}", to: "settings.json"))
        }
    }

    private func error(_ changes: [String: String?]) async throws -> SettingError? {
        await #expect(throws: SettingError.self) { _ = try await parse(changes) }
    }

    @Test func requiredMembersAreEnoughAndTheRestHasDefaults() async throws {
        let configuration = try await parse()
        #expect(configuration.serverName == .dns("listener.example"))
        #expect(configuration.servicePort == 11_443)
        #expect(configuration.dialTimeout == .seconds(10))
        #expect(configuration.maxRelays == 20_000)
        #expect(configuration.targetPolicy == .everything)
        #expect(configuration.congestionController == .standard)
        #expect(configuration.logLevel == .info)
        #expect(configuration.certificateFile.path.hasSuffix("/certificate.pem"))
        #expect(configuration.privateKeyFile.path.hasSuffix("/key.pem"))
        #expect(configuration.serverCAFile.path.hasSuffix("/ca.pem"))
    }

    @Test func optionalMembersAreTakenAndUnknownOnesIgnored() async throws {
        let configuration = try await parse([
            "dial_timeout": "0.5", "log_level": "\"debug\"", "max_relays": "7", "server_name": "\"::1\"", "x": "[{}]",
            "congestion_control": "\"reno\"",
        ])
        #expect(configuration.dialTimeout == .milliseconds(500))
        #expect(configuration.maxRelays == 7)
        #expect(configuration.congestionController == .reno)
        #expect(configuration.logLevel == .debug)
        #expect(configuration.serverName == .address("::1"))
    }

    @Test func targetRulesAreTakenInOrder() async throws {
        let configuration = try await parse([
            "allow_targets": #"["*.example:443", "10.0.0.0/8"]"#, "deny_targets": #"["[::1]:22"]"#,
        ])
        #expect(configuration.targetPolicy.allow?.map(\.text) == ["*.example:443", "10.0.0.0/8"])
        #expect(configuration.targetPolicy.deny.map(\.text) == ["[::1]:22"])
        #expect(try await parse(["allow_targets": "[]"]).targetPolicy.allow?.isEmpty == true)
        #expect(try await parse(["allow_targets": "null", "deny_targets": "null"]).targetPolicy == .everything)
    }

    @Test func aTargetRuleThatCannotBeUsedIsNamedByItsIndex() async throws {
        let error = try await error(["deny_targets": #"["*", "10.0.0.1/8"]"#])
        #expect(error?.setting.hasPrefix("deny_targets[1] in ") == true)
        #expect(error?.description.contains(#"="10.0.0.1/8" has bits set behind its prefix; use 10.0.0.0/8"#) == true)
        let other = try await self.error(["allow_targets": #"["*", 3]"#])
        #expect(other?.setting.hasPrefix("allow_targets[1] in ") == true)
        let rules = Array(repeating: "\"*\"", count: 1001).joined(separator: ",")
        #expect(try await self.error(["allow_targets": "[\(rules)]"])?.remedy == "use a list of at most 1000 strings")
    }

    @Test(arguments: required.keys.sorted())
    func missingMemberIsNamed(member: String) async throws {
        let error = try await error([member: nil])
        #expect(error?.setting.hasPrefix("\(member) in ") == true)
        #expect(error?.problem == "is missing")
    }

    @Test(arguments: [
        ("client_cert_path", "3", "is the number 3"),
        ("client_key_path", "null", "is null"),
        ("ca_cert_path", "\"\"", "is empty"),
        ("ca_cert_path", "\"none.pem\"", "does not exist"),
        ("ca_cert_path", "\"/\"", "is a directory"),
        ("server_name", "\"a b\"", "is neither a DNS name nor an IP address"),
        ("server_name", "\"\"", "is neither a DNS name nor an IP address"),
        ("server_name", "[]", "is an array"),
        ("service_port", "\"11443\"", "is the string \"11443\""),
        ("service_port", "0", "is out of range"),
        ("service_port", "65536", "is out of range"),
        ("service_port", "1.5", "is out of range"),
        ("dial_timeout", "0.09", "is out of range"),
        ("dial_timeout", "301", "is out of range"),
        ("dial_timeout", "\"10\"", "is the string \"10\""),
        ("max_relays", "0", "is out of range"),
        ("max_relays", "100001", "is out of range"),
        ("allow_targets", "\"*\"", "is the string \"*\""),
        ("deny_targets", "{}", "is an object"),
        ("congestion_control", "\"vegas\"", "is not a congestion controller"),
        ("congestion_control", "1", "is the number 1"),
        ("log_level", "\"loud\"", "is not a log level"),
        ("log_level", "true", "is true"),
    ])
    func memberThatCannotBeUsedIsNamed(member: String, value: String, problem: String) async throws {
        let error = try await error([member: value])
        #expect(error?.setting.hasPrefix("\(member) in ") == true)
        #expect(error?.problem == problem)
    }

    @Test func errorIsOneLineWithSettingValueAndRemedy() async throws {
        let error = try await error(["service_port": "70000"])
        let line = "\(try #require(error))"
        #expect(line.contains("service_port"))
        #expect(line.contains("settings.json=\"70000\" is out of range; use a whole number from 1 to 65535"))
    }

    @Test func mistakeInTheFileIsShownByLineAndColumn() async throws {
        try await ScratchFolder.with("settings") { folder in
            let path = try folder.write("{\n  \"service_port\": 1,\n}", to: "settings.json")
            let error = #expect(throws: SettingError.self) { try ConnectorConfiguration(settingsPath: path) }
            #expect(error?.value == path)
            #expect(error?.problem.contains("line 3, column 1") == true)
        }
    }

    @Test func fileThatCannotBeReadIsNamed() async throws {
        try await ScratchFolder.with("settings") { folder in
            let missing = folder.path + "/settings.json"
            let error = #expect(throws: SettingError.self) { try ConnectorConfiguration(settingsPath: missing) }
            #expect(error?.setting == "settings file")
            #expect(error?.value == missing)
            let list = try folder.write("[]", to: "list.json")
            let other = #expect(throws: SettingError.self) { try ConnectorConfiguration(settingsPath: list) }
            #expect(other?.problem.contains("a JSON object is expected") == true)
        }
    }

    @Test func pathsAreRelativeToTheFileFirstThenToTheWorkingDirectory() async throws {
        try await ScratchFolder.with("settings") { folder in
            let text = "{" + Self.required.map { "\"\($0.key)\": \($0.value)" }.joined(separator: ",") + "}"
            let settings = try folder.write(text, to: "etc/settings.json")
            let beside = try folder.write("PEM", to: "etc/certificate.pem")
            try folder.write("PEM", to: "work/certificate.pem")
            let key = try folder.write("PEM", to: "work/key.pem")
            let work = folder.path + "/work"

            let error = #expect(throws: SettingError.self) {
                try ConnectorConfiguration(settingsPath: settings, workingDirectory: work)
            }
            #expect(error?.value == folder.path + "/etc/ca.pem")

            let authority = try folder.write("PEM", to: "work/ca.pem")
            let configuration = try ConnectorConfiguration(settingsPath: settings, workingDirectory: work)
            #expect(configuration.certificateFile.path == beside)
            #expect(configuration.privateKeyFile.path == key)
            #expect(configuration.serverCAFile.path == authority)
        }
    }
}
