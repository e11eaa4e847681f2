import Foundation
import TestSupport
import Testing

/// Good settings are taken in every form that the original's users have them in.
@Suite("Settings", .endToEnd)
struct SettingsTests {
    @Test func aConnectorWithoutArgumentsTakesSettingsOfItsWorkingDirectory() throws {
        let listener = try ListenerFixture()
        let folder = try ScratchFolder("defaults")
        _ = try ConnectorFixture.write(
            try ConnectorFixture.settings(listenerPort: listener.quicEndpoint.port),
            in: folder
        )
        let connector = try DaemonProcess(.connector, workingDirectory: folder.path)
        try connector.waitForLine(containing: "connected to the listener")
        try listener.waitForSession(uid: "client-a")
    }

    @Test func theSettingsOptionNamesAFile() throws {
        let listener = try ListenerFixture()
        let folder = try ScratchFolder("option")
        let path = try ConnectorFixture.write(
            try ConnectorFixture.settings(listenerPort: listener.quicEndpoint.port),
            in: folder
        )
        let connector = try DaemonProcess(.connector, arguments: ["--settings", path])
        try connector.waitForLine(containing: "connected to the listener")
    }

    @Test func relativePathsStartAtTheFilesFolderThenAtTheWorkingDirectory() throws {
        let listener = try ListenerFixture()
        let besideTheFile = try ScratchFolder("beside")
        let working = try ScratchFolder("working")
        var settings = try ConnectorFixture.settings(listenerPort: listener.quicEndpoint.port)
        try FileManager.default.copyItem(atPath: settings.clientCertPath, toPath: besideTheFile.file("client.pem"))
        try FileManager.default.copyItem(atPath: settings.clientKeyPath, toPath: besideTheFile.file("client.key"))
        try FileManager.default.copyItem(atPath: settings.caCertPath, toPath: working.file("ca.pem"))
        // In both places: the one beside the file counts, so this one may be rubbish.
        _ = try working.write("rubbish", to: "client.pem")
        settings.clientCertPath = "client.pem"
        settings.clientKeyPath = "client.key"
        settings.caCertPath = "ca.pem"
        let path = try ConnectorFixture.write(settings, in: besideTheFile)
        let connector = try DaemonProcess(.connector, arguments: [path], workingDirectory: working.path)
        try connector.waitForLine(containing: "connected to the listener")
    }

    @Test func unknownMembersAreIgnored() throws {
        let listener = try ListenerFixture()
        let folder = try ScratchFolder("unknown")
        let path = try ConnectorFixture.write(
            try ConnectorFixture.settings(listenerPort: listener.quicEndpoint.port),
            in: folder
        )
        let text = try String(contentsOfFile: path, encoding: .utf8)
        _ = try folder.write(#"{"comment": {"by": ["us"]}, "# + text.dropFirst(), to: "settings.json")
        let connector = try DaemonProcess(.connector, arguments: [path])
        try connector.waitForLine(containing: "connected to the listener")
    }

    @Test func aListenerOnAllAddressesOfBothFamiliesIsReached() throws {
        var options = ListenerFixture.Options()
        options.environment = ["SWL_ADDRS": "::", "SWL_FORWARD_ADDRS": "::", "APIS_ADDRS": "::1"]
        let listener = try ListenerFixture(options)
        let target = try EchoServer()
        var settings = ConnectorFixture.Options()
        settings.serverName = "127.0.0.1"
        let connector = try ConnectorFixture(settings, listenerPort: listener.quicEndpoint.port)
        try listener.waitForSession(uid: "client-a")
        let port = try listener.open(uid: "client-a", target: target.endpoint)
        for host in ["127.0.0.1", "::1"] {
            let visitor = try TCPPeer(connectingTo: HostPort(host: host, port: port))
            try visitor.send("hello")
            #expect(try visitor.receive(exactly: 5) == Array("hello".utf8))
        }
        #expect(connector.process.isRunning)
    }
}
