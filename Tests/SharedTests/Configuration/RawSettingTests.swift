import Logging
import NIOCore
import Shared
import Testing

@Suite("RawSetting")
struct RawSettingTests {
    private func setting(_ text: String) -> RawSetting {
        RawSetting(name: "X", text: text)
    }

    @Test func numberWithinTheRangeIsTaken() throws {
        #expect(try setting("0").integer(in: 0...65_535) == 0)
        #expect(try setting("65535").integer(in: 0...65_535) == 65_535)
    }

    @Test(arguments: [
        ("", "is not a whole number"), ("a", "is not a whole number"), ("-1", "is not a whole number"),
        ("+1", "is not a whole number"), ("1.5", "is not a whole number"), (" 1", "is not a whole number"),
        ("٣", "is not a whole number"), ("65536", "is out of range"), ("99999999999999999999", "is out of range"),
    ])
    func otherNumberIsRefusedWithRemedy(text: String, problem: String) {
        let error = #expect(throws: SettingError.self) { try setting(text).integer(in: 0...65_535) }
        #expect(error?.problem == problem)
        #expect(error?.remedy == "use a whole number from 0 to 65535")
    }

    @Test(arguments: [("5", 5_000_000_000), ("0.1", 100_000_000), ("2.5", 2_500_000_000), ("60", 60_000_000_000)])
    func secondsBecomeADuration(text: String, nanoseconds: Int64) throws {
        #expect(try setting(text).duration(seconds: 0.1...60) == .nanoseconds(nanoseconds))
    }

    @Test(arguments: ["", ".", "a", "inf", "nan", "0x1", "1e1", "-1", "5s", "0.09", "60.1", "0", "1.2.3"])
    func otherDurationIsRefused(text: String) {
        let error = #expect(throws: SettingError.self) { try setting(text).duration(seconds: 0.1...60) }
        #expect(error?.remedy == "use seconds from 0.1 to 60")
    }

    @Test func zeroIsADurationOnlyWhereItIsAllowed() throws {
        #expect(try setting("0").duration(seconds: 1...10, orZero: true) == .zero)
        let error = #expect(throws: SettingError.self) { try setting("0.5").duration(seconds: 1...10, orZero: true) }
        #expect(error?.remedy == "use seconds from 1 to 10, or 0")
    }

    @Test(arguments: [
        ("error", Logger.Level.error), ("warn", .warning), ("info", .info), ("DEBUG", .debug), ("trace", .trace),
    ])
    func logLevelHasTheNamesOfTheOriginal(text: String, level: Logger.Level) throws {
        #expect(try setting(text).logLevel() == level)
    }

    @Test(arguments: ["", "warning", "notice", "all"])
    func otherLogLevelIsRefusedWithTheNames(text: String) {
        let error = #expect(throws: SettingError.self) { try setting(text).logLevel() }
        #expect(error?.remedy == "use one of error, warn, info, debug, trace")
    }

    @Test(arguments: CongestionController.allCases)
    func congestionControllerHasItsName(controller: CongestionController) throws {
        #expect(try setting(controller.rawValue).congestionController() == controller)
    }

    @Test(arguments: ["", "CUBIC", "cubic ", "vegas"])
    func otherCongestionControllerIsRefusedWithTheNames(text: String) {
        let error = #expect(throws: SettingError.self) { try setting(text).congestionController() }
        #expect(error?.problem == "is not a congestion controller")
        #expect(error?.remedy == "use one of cubic, bbr, bbr2, reno")
    }

    @Test(arguments: [("0.0.0.0", "0.0.0.0:7"), ("::", "[::]:7"), ("[::1]", "[::1]:7"), ("localhost", "127.0.0.1:7")])
    func listenAddressIsAnIPAddress(text: String, address: String) throws {
        #expect(try setting(text).listenAddress(port: 7).hostAndPort == address)
    }

    @Test(arguments: ["", "0.0.0", "host.example", "127.0.0.1:80", "256.0.0.1", "*", "::1]"])
    func otherListenAddressIsRefused(text: String) {
        let error = #expect(throws: SettingError.self) { try setting(text).listenAddress(port: 7) }
        #expect(error?.problem == "is not an IP address")
    }
}

@Suite("SettingError")
struct SettingErrorTests {
    @Test func descriptionNamesSettingValueAndRemedyInOneLine() {
        let error = SettingError(setting: "SWL_PORT", value: "a\nb", problem: "is not a number", remedy: "use 1")
        #expect("\(error)" == "SWL_PORT=\"a\u{FFFD}b\" is not a number; use 1")
    }

    @Test func descriptionDoesWithoutAValue() {
        let error = SettingError(setting: "SWL_CA_PATH", value: nil, problem: "is not set", remedy: "set it")
        #expect("\(error)" == "SWL_CA_PATH is not set; set it")
    }
}
