import Foundation
import Glibc
import TestSupport
import Testing

/// A connector that cannot start says so in one line that names the setting and its value, and exits with 1.
@Suite("Connector's bad input", .endToEnd)
struct ConnectorBadInputTests {
    private let folder: ScratchFolder
    private let settings: ConnectorFixture.Settings

    init() throws {
        folder = try ScratchFolder("bad-input")
        // Nothing listens there; none of these connectors comes so far as to dial.
        settings = try ConnectorFixture.settings(listenerPort: 9)
    }

    @Test func aMissingDefaultFileIsNamed() throws {
        let process = try DaemonProcess(.connector, workingDirectory: folder.path)
        try expectBadStart(of: process, naming: ["settings.json"])
    }

    @Test(arguments: [["/nowhere/at-all.json"], ["--settings", "/nowhere/at-all.json"]])
    func aMissingNamedFileIsNamed(arguments: [String]) throws {
        try expectBadStart(
            of: try DaemonProcess(.connector, arguments: arguments),
            naming: ["/nowhere/at-all.json"]
        )
    }

    @Test func aFolderInPlaceOfTheFileIsNamed() throws {
        try expectBadStart(of: try DaemonProcess(.connector, arguments: [folder.path]), naming: [folder.path])
    }

    @Test(.enabled(if: geteuid() != 0, "root may read every file"))
    func anUnreadableFileIsNamed() throws {
        let path = try folder.write("{}", to: "settings.json")
        try FileManager.default.setAttributes([.posixPermissions: 0], ofItemAtPath: path)
        try expectBadStart(of: try DaemonProcess(.connector, arguments: [path]), naming: [path])
    }

    @Test(arguments: ["", "not JSON", "[]", "{"])
    func aFileThatIsNoJSONObjectIsNamed(text: String) throws {
        let path = try folder.write(text, to: "settings.json")
        try expectBadStart(of: try DaemonProcess(.connector, arguments: [path]), naming: [path])
    }

    @Test(arguments: ["client_cert_path", "client_key_path", "ca_cert_path", "server_name", "service_port"])
    func aMissingMemberIsNamed(member: String) throws {
        try expectRefusal(changing: member, to: nil, naming: [member])
    }

    @Test(arguments: [
        ("service_port", "70000"), ("service_port", "0"), ("service_port", #""quic""#), ("server_name", "7"),
        ("server_name", #""""#), ("dial_timeout", "0"), ("dial_timeout", "301"), ("dial_timeout", #""soon""#),
        ("max_relays", "0"), ("max_relays", "100001"), ("log_level", #""loud""#),
    ])
    func aBadValueIsNamed(member: String, value: String) throws {
        let shown = value.filter { $0 != "\"" }
        try expectRefusal(changing: member, to: value, naming: [member, shown].filter { !$0.isEmpty })
    }

    @Test(arguments: ["client_cert_path", "client_key_path", "ca_cert_path"])
    func aMissingFileIsNamed(member: String) throws {
        try expectRefusal(changing: member, to: #""/nowhere/at-all.pem""#, naming: [member, "/nowhere/at-all.pem"])
    }

    @Test(arguments: ["client_cert_path", "client_key_path", "ca_cert_path"])
    func aFolderInPlaceOfAPEMFileIsNamed(member: String) throws {
        try expectRefusal(changing: member, to: "\"\(folder.path)\"", naming: [member, folder.path])
    }

    @Test(
        arguments: ["client_cert_path", "client_key_path", "ca_cert_path"],
        ["", "not PEM at all", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
    )
    func malformedPEMIsNamed(member: String, text: String) throws {
        let path = try folder.write(text, to: "file.pem")
        try expectRefusal(changing: member, to: "\"\(path)\"", naming: [member, path])
    }

    @Test func aKeyOfAnotherCertificateIsNamed() throws {
        let path = try ThrowAwayPKI.perRun().certificate(.client("another")).keyPath
        try expectRefusal(changing: "client_key_path", to: "\"\(path)\"", naming: ["client_key_path", path])
    }

    @Test func wrongUsageIsToldApart() throws {
        try expectWrongUsage(of: .connector)
    }

    @Test(arguments: ["--help", "--version"])
    func helpAndVersionNeedNoSettings(option: String) throws {
        try expectInformation(option, from: .connector)
    }

    /// Expects that a connector gives up whose settings are good but for one member.
    ///
    /// - Parameter value: the member's value as JSON text; `nil` leaves the member out.
    private func expectRefusal(
        changing member: String,
        to value: String?,
        naming parts: [String],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        var members = try JSONDecoder().decode([String: JSONText].self, from: Data(try settings.json().utf8))
            .mapValues(\.text)
        members[member] = value
        let text = "{" + members.sorted { $0.key < $1.key }.map { "\"\($0)\": \($1)" }.joined(separator: ", ") + "}"
        let path = try folder.write(text, to: "settings.json")
        let process = try DaemonProcess(.connector, arguments: [path])
        try expectBadStart(of: process, naming: parts, sourceLocation: sourceLocation)
    }
}

/// A string or a number of a settings file, as JSON text.
private struct JSONText: Decodable {
    let text: String

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let number = try? container.decode(Double.self) {
            text = number == number.rounded() ? "\(Int(number))" : "\(number)"
        } else {
            text = "\"\(try container.decode(String.self))\""
        }
    }
}
