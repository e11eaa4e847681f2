package import Logging
package import NIOCore
package import Shared

/// Everything that `settings.json` says to a connector, believed only after every member was parsed.
package struct ConnectorConfiguration: Sendable {
    /// A settings file has a dozen short members; what is larger is another file.
    private static let maxFileBytes = 1 << 20

    package let certificateFile: ReadableFile
    package let privateKeyFile: ReadableFile
    /// The certificate authorities that the listener's certificate is verified against.
    package let serverCAFile: ReadableFile
    /// The listener: dialled, sent as SNI and verified in its certificate.
    package let serverName: ServerName
    /// The listener's UDP port, 1 to 65,535.
    package let servicePort: UInt16
    /// How long a target may take to accept a connection, 0.1 to 300 s.
    package let dialTimeout: TimeAmount
    /// The greatest number of relays at one time, 1 to 100,000.
    package let maxRelays: Int
    /// What decides how fast the connector sends to the listener.
    package let congestionController: CongestionController
    /// The silence after which a listener of `warp/1` is asked for a sign of life, 1 s to 1 h.
    package let keepAlive: TimeAmount
    /// The silence after which a listener of `warp/1` is given up; longer than ``keepAlive``, up to a day.
    package let deadAfter: TimeAmount
    /// How long relays have to finish at shutdown, up to an hour.
    package let drainTimeout: TimeAmount
    /// What is offered to the listener, in order of preference; not empty.
    package let protocols: [ApplicationProtocol]
    /// What the listener may have this connector dial.
    let targetPolicy: TargetPolicy
    package let logLevel: Logger.Level

    /// - Parameters:
    ///   - settingsPath: The path of the settings file, relative to the process's working directory.
    ///   - workingDirectory: Where the paths in the file are looked for when they are not found beside the file.
    /// - Throws: ``SettingError`` when the file cannot be read or parsed, and for the first member that cannot be used.
    package init(settingsPath: String, workingDirectory: String = ".") throws(SettingError) {
        let file = try SettingsFile(path: settingsPath, workingDirectory: workingDirectory, maxBytes: Self.maxFileBytes)
        certificateFile = try file.path("client_cert_path")
        privateKeyFile = try file.path("client_key_path")
        serverCAFile = try file.path("ca_cert_path")
        serverName = try file.serverName("server_name")
        servicePort = try file.read("service_port") { object, name throws(JSONProblem) in
            try object.integer(name, in: UInt16(1)...UInt16.max)
        }
        dialTimeout = try file.seconds("dial_timeout", in: 0.1...300, default: 10)
        maxRelays = try file.read("max_relays") { object, name throws(JSONProblem) in
            try object.optionalInteger(name, in: 1...100_000) ?? 20_000
        }
        congestionController = try file.congestionController("congestion_control", default: .standard)
        keepAlive = try file.seconds("keep_alive", in: 1...3600, default: 10)
        deadAfter = try file.deadAfter("dead_after", keepAlive: keepAlive)
        drainTimeout = try file.seconds("drain_timeout", in: 0...3600, default: 30)
        protocols = try file.protocols("protocol")
        targetPolicy = TargetPolicy(
            allow: try file.targetRules("allow_targets"),
            deny: try file.targetRules("deny_targets") ?? []
        )
        logLevel = try file.logLevel("log_level", default: "info")
    }
}
