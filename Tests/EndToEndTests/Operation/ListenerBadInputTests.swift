import Foundation
import Glibc
import TestSupport
import Testing

/// A listener that cannot start says so in one line that names the setting and its value, and exits with 1.
@Suite("Listener's bad input", .endToEnd)
struct ListenerBadInputTests {
    @Test func noEnvironmentNamesTheFirstMissingSetting() throws {
        try expectRefusal([:], naming: ["SWL_CERT_PATH"])
    }

    @Test(arguments: ["SWL_CERT_PATH", "SWL_KEY_PATH", "SWL_CA_PATH"])
    func eachRequiredSettingIsRequired(name: String) throws {
        var environment = try ListenerFixture.environment()
        environment[name] = nil
        try expectRefusal(environment, naming: [name])
    }

    @Test(arguments: ["SWL_CERT_PATH", "SWL_KEY_PATH", "SWL_CA_PATH"])
    func aMissingFileIsNamed(name: String) throws {
        try expectRefusal([name: "/nowhere/at-all.pem"], over: try ListenerFixture.environment())
    }

    @Test(arguments: ["SWL_CERT_PATH", "SWL_KEY_PATH", "SWL_CA_PATH"])
    func aFolderInPlaceOfAFileIsNamed(name: String) throws {
        let folder = try ScratchFolder("folder")
        try expectRefusal([name: folder.path], over: try ListenerFixture.environment())
    }

    @Test(
        .enabled(if: geteuid() != 0, "root may read every file"),
        arguments: ["SWL_CERT_PATH", "SWL_KEY_PATH", "SWL_CA_PATH"]
    )
    func anUnreadableFileIsNamed(name: String) throws {
        let folder = try ScratchFolder("unreadable")
        let path = try folder.write("secret", to: "file.pem")
        try FileManager.default.setAttributes([.posixPermissions: 0], ofItemAtPath: path)
        try expectRefusal([name: path], over: try ListenerFixture.environment())
    }

    @Test(
        arguments: ["SWL_CERT_PATH", "SWL_KEY_PATH", "SWL_CA_PATH"],
        ["", "not PEM at all", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
    )
    func malformedPEMIsNamed(name: String, text: String) throws {
        let folder = try ScratchFolder("malformed")
        let path = try folder.write(text, to: "file.pem")
        try expectRefusal([name: path], over: try ListenerFixture.environment())
    }

    @Test func aKeyOfAnotherCertificateIsNamed() throws {
        let other = try ThrowAwayPKI.perRun().certificate(.client("another"))
        try expectRefusal(["SWL_KEY_PATH": other.keyPath], over: try ListenerFixture.environment())
    }

    @Test(arguments: [
        ("SWL_PORT", "70000"), ("SWL_PORT", "-1"), ("SWL_PORT", "https"), ("SWL_ADDRS", "not an address"),
        ("APIS_PORT", "70000"), ("APIS_PORT", "x"), ("APIS_ADDRS", "256.1.1.1"), ("SWL_FORWARD_ADDRS", "1.2.3"),
        ("SWL_SCEP_URL", "not a url"), ("SWL_SCEP_URL", "ftp://127.0.0.1/"), ("SWL_SCEP_TIMEOUT", "0"),
        ("SWL_SCEP_TIMEOUT", "soon"), ("SWL_SCEP_RECHECK", "-1"), ("SWL_SCEP_RECHECK", "86401"),
        ("SWL_MAX_HALF_OPEN", "0"), ("SWL_RETRY_THRESHOLD", "100001"), ("SWL_VISITOR_WAIT", "61"),
        ("SWL_LOG_LEVEL", "loud"),
    ])
    func aBadValueIsNamed(name: String, value: String) throws {
        try expectRefusal([name: value], over: try ListenerFixture.environment())
    }

    @Test func aUDPPortInUseIsNamed() throws {
        let inUse = try ReservedPort(.udp)
        try expectRefusal(["SWL_PORT": "\(inUse.endpoint.port)"], over: try ListenerFixture.environment())
    }

    @Test func anAPIPortInUseIsNamed() throws {
        let inUse = try TCPAcceptor()
        try expectRefusal(["APIS_PORT": "\(inUse.endpoint.port)"], over: try ListenerFixture.environment())
    }

    @Test func wrongUsageIsToldApart() throws {
        try expectWrongUsage(of: .listener)
    }

    @Test(arguments: ["--help", "--version"])
    func helpAndVersionNeedNoSettings(option: String) throws {
        try expectInformation(option, from: .listener)
    }

    /// Expects that a listener with one setting changed names this setting and its value.
    private func expectRefusal(
        _ change: [String: String],
        over environment: [String: String],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        try expectRefusal(
            environment.merging(change) { $1 },
            naming: change.flatMap { [$0, $1] },
            sourceLocation: sourceLocation
        )
    }

    private func expectRefusal(
        _ environment: [String: String],
        naming parts: [String],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let process = try DaemonProcess(.listener, environment: environment)
        try expectBadStart(of: process, naming: parts, sourceLocation: sourceLocation)
    }
}
