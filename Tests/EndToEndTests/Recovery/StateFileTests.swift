import Foundation
import TestSupport
import Testing

/// The state file may be damaged, missing or of no use: the listener never loses it silently and never goes silent itself.
@Suite("Recovery: the state file", .endToEnd)
struct StateFileTests {
    private static let forwardCount = 20
    private static let truncationCount = 20
    /// The forwards are on the second page: a file that ends behind it has all of them.
    private static let pageBytes = 4096

    @Test func aTruncatedFileLosesOnlyWhatIsCutOff() throws {
        let target = try EchoServer()
        let place = try ListenerPlace()
        let written = try Self.writeForwards(target.endpoint, at: place)
        let whole = try Data(contentsOf: URL(filePath: place.statePath))
        #expect(whole.count >= Self.pageBytes * 2)

        var generator = SplitMix64(state: 5)
        for _ in 0..<Self.truncationCount {
            let length = Int.random(in: 1..<whole.count, using: &generator)
            let folder = try ScratchFolder("truncated")
            let path = folder.file("state.sqlite")
            try whole.prefix(length).write(to: URL(filePath: path))
            let listener = try Self.listener(stateAt: path)
            let restored = try Self.checkRestored(listener, of: written, "\(length) bytes")
            if length >= Self.pageBytes * 2 { #expect(restored == written, "\(length) bytes") }
            if let port = restored.first?.port { try Self.checkServed(port, of: listener) }
            try Self.checkKept(whole.prefix(length), in: folder)
            listener.process.terminate()
            try listener.process.expectExit(0)

            // What is lost is told once: the next start has a sound file.
            let next = try Self.listener(stateAt: path)
            #expect(try Set(next.api.list()) == restored, "\(length) bytes")
            #expect(next.process.lines(containing: "state lost").isEmpty, "\(length) bytes")
            next.process.kill()
            _ = try next.process.waitForExit()
        }
        // The file that was not cut is whole, although its writer was killed.
        let listener = try place.start()
        #expect(try Set(listener.api.list()) == written)
        #expect(listener.process.lines(containing: "state lost").isEmpty)
    }

    @Test func aFolderThatDoesNotExistIsNamed() throws {
        let folder = try ScratchFolder("missing")
        try expectRefusal(of: folder.file("nowhere/state.sqlite"), naming: ["does not exist"])
    }

    @Test func aFolderInPlaceOfTheFileIsNamed() throws {
        try expectRefusal(of: try ScratchFolder("folder").path, naming: ["is a directory"])
    }

    @Test func aSecondListenerIsKeptOffTheFile() throws {
        let place = try ListenerPlace()
        let first = try place.start()
        try expectRefusal(of: place.statePath, naming: ["in use by another listener"])
        #expect(first.process.isRunning)
        #expect(try first.api.list().isEmpty)
    }

    @Test func theNextListenerMayHaveTheFile() throws {
        let place = try ListenerPlace()
        for _ in 0..<2 {
            let listener = try place.start()
            listener.process.kill()
            _ = try listener.process.waitForExit()
        }
        let listener = try place.start()
        #expect(listener.process.lines(containing: "state lost").isEmpty)
    }

    @Test func aListenerThatWasNotAskedToStoreServesWithoutAFile() throws {
        let folder = try ScratchFolder("working")
        // Nobody, not even root, can write a file where a folder is.
        try folder.write("", to: "sw-listener.sqlite/occupied")
        var environment = try ListenerFixture.environment()
        environment["SWL_STATE_PATH"] = nil
        let process = try DaemonProcess(.listener, environment: environment, workingDirectory: folder.path)
        let endpoint = try HostPort(parsing: try process.waitForLine(containing: "control API").metadata("api.address"))
        let warning = try process.waitForLine(containing: "nothing is stored")
        #expect(warning.level == "warning")
        #expect(try warning.metadata("reason").contains("sw-listener.sqlite"))
        let quic = try process.waitForLine(containing: "listening for connectors").metadata("quic.address")
        let connector = try ConnectorFixture(listenerPort: try HostPort(parsing: quic).port)
        try connector.waitUntilConnected()
        let target = try EchoServer()
        let port = try FixedPort.next()
        let opened = try ControlAPIClient(endpoint: endpoint).open(uid: "client-a", port: port, target: target.endpoint)
        #expect(opened.status == 200, "\(opened.body)")
        try EchoVisit.untilServed(port, until: .after(Deadline.patience))
    }

    // MARK: Private

    /// Has a listener store forwards, kills it, and returns them.
    private static func writeForwards(_ target: HostPort, at place: ListenerPlace) throws
        -> Set<ControlAPIClient.Forward>
    {
        let listener = try place.start()
        let connector = try ConnectorFixture(listenerPort: place.port)
        try listener.waitForSession(uid: "client-a")
        for _ in 0..<forwardCount { _ = try listener.openFixed(target: target) }
        let forwards = Set(try listener.api.list())
        #expect(forwards.count == forwardCount)
        listener.process.kill()
        _ = try listener.process.waitForExit()
        // Not before the listener: its session is in the state, at the end of the file.
        connector.process.kill()
        return forwards
    }

    private static func listener(stateAt path: String) throws -> ListenerFixture {
        var options = ListenerFixture.Options()
        options.environment["SWL_STATE_PATH"] = path
        return try ListenerFixture(options)
    }

    /// Expects that nothing came back that was not there, that all that came back listens, and that a loss is told.
    private static func checkRestored(
        _ listener: ListenerFixture,
        of written: Set<ControlAPIClient.Forward>,
        _ what: Comment
    ) throws -> Set<ControlAPIClient.Forward> {
        let restored = Set(try listener.api.list())
        #expect(restored.isSubset(of: written), what)
        #expect(try listener.restoredPorts() == Set(restored.map(\.port)), what)
        #expect(try listener.conditions().allSatisfy(\.listening), what)
        let losses = listener.process.lines(containing: "state lost")
        #expect(losses.allSatisfy { $0.level == "error" }, what)
        #expect(losses.contains { $0.description.contains("was damaged") }, what)
        #expect(losses.contains { $0.description.contains("\(restored.count) forwards could be read") }, what)
        return restored
    }

    /// Serves a visitor of a forward with a connector of its own: the last one's may be in the dark when the keys are lost.
    private static func checkServed(_ port: Int, of listener: ListenerFixture) throws {
        let connector = try ConnectorFixture(listenerPort: listener.quicEndpoint.port)
        let visit = try EchoVisit(port)
        #expect(try visit.outcome(until: .after(Deadline.patience)) == .served)
        connector.process.kill()
    }

    /// Expects that the damaged file is there, under another name.
    private static func checkKept(_ bytes: Data, in folder: ScratchFolder) throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.contains(".damaged-") }
        #expect(names.count == 1, "\(names)")
        for name in names { #expect(try Data(contentsOf: URL(filePath: folder.file(name))) == bytes) }
    }

    /// Expects that a listener that is to keep its state at `path` gives up and says why in one line.
    private func expectRefusal(
        of path: String,
        naming parts: [String],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        var options = ListenerFixture.Options()
        options.environment["SWL_STATE_PATH"] = path
        let process = try DaemonProcess(.listener, environment: try ListenerFixture.environment(options))
        try expectBadStart(of: process, naming: ["SWL_STATE_PATH", path] + parts, sourceLocation: sourceLocation)
    }
}
