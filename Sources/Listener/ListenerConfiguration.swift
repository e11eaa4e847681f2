package import Logging
package import NIOCore
package import Shared

/// Everything that the environment says to a listener, believed only after every value was parsed.
///
/// A variable that is set to the empty text is an error rather than unset: an emptied `SWL_SCEP_URL` must not
/// switch a check off unseen.
package struct ListenerConfiguration: Sendable {
    /// How to ask a SCEP server about client certificates.
    package struct SCEP: Sendable {
        package let endpoint: SCEPEndpoint
        /// The time for one question, retries and the whole answer included.
        package let timeout: TimeAmount
        /// How often a live session is asked about again; nil: never.
        package let recheckInterval: TimeAmount?
    }

    package let certificateFile: ReadableFile
    package let privateKeyFile: ReadableFile
    /// The certificate authorities that client certificates are verified against.
    package let clientCAFile: ReadableFile
    /// Where connectors are awaited (UDP).
    package let quicAddress: SocketAddress
    /// Where the control API answers (TCP).
    package let apiAddress: SocketAddress
    /// Where forwards listen (TCP); the port is the forward's.
    package let forwardAddress: SocketAddress
    /// nil: the UID is the verified certificate's common name.
    package let scep: SCEP?
    /// The greatest number of handshakes in progress, 1 to 100,000.
    package let maxHalfOpenHandshakes: Int
    /// The number of handshakes in progress above which addresses are validated by Retry, 0 to 100,000.
    package let retryThreshold: Int
    /// What decides how fast the listener sends to connectors.
    package let congestionController: CongestionController
    /// The silence after which a connector of `warp/1` is asked for a sign of life, 1 s to 1 h.
    package let keepAlive: TimeAmount
    /// The silence after which a connector of `warp/1` is given up; longer than ``keepAlive``, up to a day.
    package let deadAfter: TimeAmount
    /// Which of two connectors with one client UID is the session.
    let takeover: TakeoverPolicy
    /// How long the holder of a client UID may take to show that it lives, 0.1 to 30 s.
    package let takeoverProbe: TimeAmount
    /// How long a visitor waits for a session, or for a stream of a connector that grants few; up to a minute.
    package let visitorWait: TimeAmount
    /// How many visitors of one client UID may wait, 0 to 100,000.
    package let maxWaitingVisitors: Int
    /// How long relays have to finish at shutdown, up to an hour.
    package let drain: TimeAmount
    /// When connectors may come back after a shutdown, up to an hour.
    package let comeBack: TimeAmount
    /// The file that holds what must outlive the listener.
    package let statePath: String
    /// Whether ``statePath`` was chosen by somebody: then it must be usable.
    package let isStateRequired: Bool
    package let logLevel: Logger.Level

    /// - Parameter environment: The process's variables; unknown ones are ignored.
    /// - Throws: ``SettingError`` for the first variable that is missing or cannot be used.
    package init(environment: [String: String]) throws(SettingError) {
        let variables = Variables(environment)
        logLevel = try variables.value("SWL_LOG_LEVEL", default: "info").logLevel()
        certificateFile = try variables.file("SWL_CERT_PATH", holding: "the listener's certificate")
        privateKeyFile = try variables.file("SWL_KEY_PATH", holding: "the listener's private key")
        clientCAFile = try variables.file("SWL_CA_PATH", holding: "the CA of the client certificates")
        let quicPort = try variables.value("SWL_PORT", default: "11443").integer(in: 0...65_535)
        quicAddress = try variables.value("SWL_ADDRS", default: "0.0.0.0").listenAddress(port: quicPort)
        let apiPort = try variables.value("APIS_PORT", default: "8080").integer(in: 0...65_535)
        // Not 0.0.0.0 as in the original: an API that opens ports is not given to the network without authentication.
        apiAddress = try variables.value("APIS_ADDRS", default: "127.0.0.1").listenAddress(port: apiPort)
        forwardAddress = try variables.value("SWL_FORWARD_ADDRS", default: "0.0.0.0").listenAddress(port: 0)
        scep = try variables.scep()
        maxHalfOpenHandshakes = try variables.value("SWL_MAX_HALF_OPEN", default: "1000").integer(in: 1...100_000)
        retryThreshold = try variables.value("SWL_RETRY_THRESHOLD", default: "100").integer(in: 0...100_000)
        congestionController = try variables.value(
            "SWL_CONGESTION_CONTROL",
            default: CongestionController.standard.rawValue
        ).congestionController()
        keepAlive = try variables.value("SWL_KEEP_ALIVE", default: "10").duration(seconds: 1...3600)
        deadAfter = try variables.deadAfter(keepAlive: keepAlive)
        takeover = try variables.takeover()
        takeoverProbe = try variables.value("SWL_TAKEOVER_PROBE", default: "1").duration(seconds: 0.1...30)
        visitorWait = try variables.value("SWL_VISITOR_WAIT", default: "5").duration(seconds: 0...60)
        maxWaitingVisitors = try variables.value("SWL_MAX_WAITING_VISITORS", default: "4096").integer(in: 0...100_000)
        drain = try variables.value("SWL_DRAIN", default: "30").duration(seconds: 0...3600)
        comeBack = try variables.value("SWL_COME_BACK", default: "1").duration(seconds: 0...3600)
        statePath = try variables.value("SWL_STATE_PATH", default: "sw-listener.sqlite").text
        isStateRequired = environment["SWL_STATE_PATH"] != nil
    }
}

/// The environment as ``RawSetting``s.
private struct Variables {
    private let environment: [String: String]

    init(_ environment: [String: String]) {
        self.environment = environment
    }

    /// The variable, or nil when it is not set.
    func value(_ name: String) throws(SettingError) -> RawSetting? {
        guard let text = environment[name] else {
            return nil
        }
        guard !text.isEmpty else {
            throw SettingError(
                setting: name,
                value: text,
                problem: "is set but empty",
                remedy: "give it a value or unset it"
            )
        }
        return RawSetting(name: name, text: text)
    }

    func value(_ name: String, default text: String) throws(SettingError) -> RawSetting {
        try value(name) ?? RawSetting(name: name, text: text)
    }

    func file(_ name: String, holding content: String) throws(SettingError) -> ReadableFile {
        guard let setting = try value(name) else {
            throw SettingError(
                setting: name,
                value: nil,
                problem: "is not set",
                remedy: "set it to the path of a PEM file with \(content)"
            )
        }
        return try ReadableFile(path: setting.text, setting: name)
    }

    func deadAfter(keepAlive: TimeAmount) throws(SettingError) -> TimeAmount {
        let setting = try value("SWL_DEAD_AFTER", default: "30")
        let deadAfter = try setting.duration(seconds: 2...86_400)
        guard deadAfter > keepAlive else {
            throw setting.error(
                "is not above SWL_KEEP_ALIVE",
                remedy: "use a few times the seconds of SWL_KEEP_ALIVE, so that a lost packet ends no session"
            )
        }
        return deadAfter
    }

    func takeover() throws(SettingError) -> TakeoverPolicy {
        let setting = try value("SWL_TAKEOVER", default: TakeoverPolicy.probe.rawValue)
        guard let policy = TakeoverPolicy(rawValue: setting.text) else {
            throw setting.error(
                "is no way to decide between two connectors",
                remedy: "use probe (the newcomer gets in if the session does not answer) or newest (it always does)"
            )
        }
        return policy
    }

    func scep() throws(SettingError) -> ListenerConfiguration.SCEP? {
        let timeout = try value("SWL_SCEP_TIMEOUT", default: "5").duration(seconds: 0.1...60)
        let recheck = try value("SWL_SCEP_RECHECK", default: "300").duration(seconds: 1...86_400, orZero: true)
        guard let url = try value("SWL_SCEP_URL") else {
            return nil
        }
        return ListenerConfiguration.SCEP(
            endpoint: try SCEPEndpoint(url),
            timeout: timeout,
            recheckInterval: recheck == .zero ? nil : recheck
        )
    }
}
