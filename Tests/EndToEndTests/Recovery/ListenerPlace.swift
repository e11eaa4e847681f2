import TestSupport

/// What stays when a listener ends, however it does, and is started again: its addresses, its state file, its settings.
final class ListenerPlace: Sendable {
    /// UDP, where connectors dial.
    let port: Int
    let statePath: String
    private let apiPort: Int
    private let settings: [String: String]
    private let folder: ScratchFolder

    /// - Parameter settings: over the defaults of the tests.
    init(_ settings: [String: String] = [:]) throws {
        folder = try ScratchFolder("state")
        statePath = folder.file("state.sqlite")
        port = try FixedPort.next()
        apiPort = try FixedPort.next()
        self.settings = settings
    }

    /// Starts a listener there. Returns when it listens for connectors and for requests.
    func start() throws -> ListenerFixture {
        var options = ListenerFixture.Options()
        let own = ["SWL_PORT": "\(port)", "APIS_PORT": "\(apiPort)", "SWL_STATE_PATH": statePath]
        options.environment = own.merging(settings) { $1 }
        return try ListenerFixture(options)
    }
}

extension ListenerFixture {
    /// Opens a forward on a port that the next listener can have again.
    func openFixed(uid: String = "client-a", target: HostPort) throws -> Int {
        let port = try FixedPort.next()
        let response = try api.open(uid: uid, port: port, target: target)
        guard response.status == 200 else { throw UnexpectedResponse(response) }
        return port
    }

    /// What `/list` says about a forward and about the session that serves it.
    struct Condition: Decodable, Hashable {
        let port: Int
        let listening: Bool
        let sessionUp: Bool

        /// As it should be.
        static func served(_ port: Int) -> Condition {
            Condition(port: port, listening: true, sessionUp: true)
        }
    }

    func conditions() throws -> [Condition] {
        let response = try api.request("GET", "/list")
        guard response.status == 200 else { throw UnexpectedResponse(response) }
        return try response.decoded(as: [Condition].self)
    }

    /// Which forwards its start brought back.
    func restoredPorts() throws -> Set<Int> {
        Set(try process.lines(containing: "forward restored").compactMap { Int(try $0.metadata("forward.port")) })
    }
}
