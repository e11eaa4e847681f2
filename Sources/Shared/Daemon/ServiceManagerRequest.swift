internal import Glibc
internal import NIOCore

/// What the service manager that started this program asks of it, as the environment says (sd_notify(3),
/// sd_watchdog_enabled(3)).
///
/// The environment is not believed: what cannot be used becomes a problem and is left out.
struct ServiceManagerRequest: Hashable, Sendable {
    /// How often the watchdog can be fed at most and at least, whatever is asked for.
    private static let feedIntervals = TimeAmount.milliseconds(10)...TimeAmount.hours(1)

    /// Where notifications go; nil = nobody waits for them.
    let socket: UnixSocketName?
    /// How often the watchdog is to be fed: half of the time after which it bites; nil = there is none.
    let feedInterval: TimeAmount?
    /// What was asked for and cannot be done.
    let problems: [SettingError]

    /// - Parameters:
    ///   - environment: `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID` are looked at.
    ///   - processID: this process's.
    init(environment: [String: String], processID: pid_t) {
        var problems: [SettingError] = []
        func parsed<Value>(_ name: String, _ parse: (RawSetting) throws(SettingError) -> Value) -> Value? {
            guard let text = environment[name] else { return nil }
            do throws(SettingError) {
                return try parse(RawSetting(name: name, text: text))
            } catch {
                problems.append(error)
                return nil
            }
        }
        socket = parsed("NOTIFY_SOCKET", Self.socketName)
        let microseconds = parsed("WATCHDOG_USEC", Self.number)
        // The watchdog of the process that started this one is not for us.
        let isForUs = environment["WATCHDOG_PID"] == nil || parsed("WATCHDOG_PID", Self.number) == Int(processID)
        feedInterval = isForUs && socket != nil ? microseconds.map(Self.feedInterval) : nil
        self.problems = problems
    }

    private static func socketName(_ setting: RawSetting) throws(SettingError) -> UnixSocketName {
        guard let name = UnixSocketName(setting.text) else {
            throw setting.error(
                "is neither an absolute path nor an abstract name of at most 107 bytes",
                remedy: "leave it to the service manager, or unset it"
            )
        }
        return name
    }

    private static func number(_ setting: RawSetting) throws(SettingError) -> Int {
        try setting.integer(in: 1...Int.max)
    }

    private static func feedInterval(microseconds: Int) -> TimeAmount {
        let half = TimeAmount.microseconds(min(Int64(microseconds) / 2, feedIntervals.upperBound.nanoseconds / 1000))
        return max(half, feedIntervals.lowerBound)
    }
}
