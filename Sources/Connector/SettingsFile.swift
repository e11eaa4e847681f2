import Logging
import NIOCore
import Shared

/// A connector's `settings.json`, read and parsed as JSON. Names the file and the member in every error.
struct SettingsFile {
    private let object: JSONObject
    private let name: String
    private let directory: String
    private let workingDirectory: String

    /// - Throws: ``SettingError`` when the file is missing, unreadable, too large or not a JSON object.
    init(path: String, workingDirectory: String, maxBytes: Int) throws(SettingError) {
        let file = try ReadableFile(path: path, setting: "settings file")
        let bytes = try file.contents(maxBytes: maxBytes)
        do throws(JSONProblem) {
            object = try JSONObject(parsing: bytes)
        } catch {
            throw file.error(
                "cannot be used: \(error)",
                remedy: "correct the file; example/settings.json shows a good one"
            )
        }
        name = path
        directory = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
        self.workingDirectory = workingDirectory
    }

    /// What `body` reads from the member `name`, its problem told as one of this setting.
    func read<Value>(
        _ member: String,
        _ body: (JSONObject, String) throws(JSONProblem) -> Value
    ) throws(SettingError) -> Value {
        do throws(JSONProblem) {
            return try body(object, member)
        } catch {
            throw settingError(error.member ?? member, error)
        }
    }

    /// The file that the member names: relative to this file's folder first, then to the working directory.
    func path(_ member: String) throws(SettingError) -> ReadableFile {
        let path = try string(member)
        guard !path.isEmpty, !path.hasPrefix("/") else {
            return try ReadableFile(path: path, setting: label(member))
        }
        let besideTheFile = directory + path
        let inWorkingDirectory = workingDirectory == "." ? path : "\(workingDirectory)/\(path)"
        let isElsewhere = !ReadableFile.exists(besideTheFile) && ReadableFile.exists(inWorkingDirectory)
        return try ReadableFile(path: isElsewhere ? inWorkingDirectory : besideTheFile, setting: label(member))
    }

    func serverName(_ member: String) throws(SettingError) -> ServerName {
        let text = try string(member)
        guard let name = ServerName(text) else {
            throw SettingError(
                setting: label(member),
                value: text,
                problem: "is neither a DNS name nor an IP address",
                remedy: "use the DNS name or IP address in the listener's certificate"
            )
        }
        return name
    }

    /// A duration in seconds, decimals allowed.
    func seconds(
        _ member: String,
        in range: ClosedRange<Double>,
        default fallback: Double
    ) throws(SettingError) -> TimeAmount {
        .seconds(
            fractional: try read(member) { object, name throws(JSONProblem) in
                try object.optionalNumber(name, in: range) ?? fallback
            }
        )
    }

    func deadAfter(_ member: String, keepAlive: TimeAmount) throws(SettingError) -> TimeAmount {
        let deadAfter = try seconds(member, in: 2...86_400, default: 30)
        guard deadAfter > keepAlive else {
            throw SettingError(
                setting: label(member),
                value: nil,
                problem: "is not above keep_alive",
                remedy: "use a few times the seconds of keep_alive, so that a lost packet ends no session"
            )
        }
        return deadAfter
    }

    /// Both protocols, or the one that the member names.
    func protocols(_ member: String) throws(SettingError) -> [ApplicationProtocol] {
        let text = try read(member) { object, name throws(JSONProblem) in try object.optionalString(name) }
        guard let text else { return ApplicationProtocol.allCases }
        guard let chosen = ApplicationProtocol(rawValue: text) else {
            let names = ApplicationProtocol.allCases.map(\.rawValue).joined(separator: " or ")
            throw SettingError(
                setting: label(member),
                value: text,
                problem: "is no protocol of a listener",
                remedy: "use \(names), or leave it out for either"
            )
        }
        return [chosen]
    }

    func congestionController(
        _ member: String,
        default fallback: CongestionController
    ) throws(SettingError) -> CongestionController {
        let text = try read(member) { object, name throws(JSONProblem) in try object.optionalString(name) }
        return try RawSetting(name: label(member), text: text ?? fallback.rawValue).congestionController()
    }

    func logLevel(_ member: String, default fallback: String) throws(SettingError) -> Logger.Level {
        let text = try read(member) { object, name throws(JSONProblem) in try object.optionalString(name) }
        return try RawSetting(name: label(member), text: text ?? fallback).logLevel()
    }

    /// The rules in the member, in the file's order; nil when it is left out.
    func targetRules(_ member: String) throws(SettingError) -> [TargetRule]? {
        let texts = try read(member) { object, name throws(JSONProblem) in
            try object.optionalStrings(name, atMost: TargetPolicy.maxRules)
        }
        guard let texts else { return nil }
        var rules: [TargetRule] = []
        for (index, text) in texts.enumerated() {
            do throws(TargetRuleError) {
                rules.append(try TargetRule(text))
            } catch {
                throw SettingError(
                    setting: label("\(member)[\(index)]"),
                    value: text,
                    problem: error.problem,
                    remedy: error.remedy
                )
            }
        }
        return rules
    }

    private func string(_ member: String) throws(SettingError) -> String {
        try read(member) { object, name throws(JSONProblem) in try object.string(name) }
    }

    private func label(_ member: String) -> String {
        "\(member) in \(name.singleLine(limit: 200))"
    }

    private func settingError(_ member: String, _ problem: JSONProblem) -> SettingError {
        switch problem {
        case .malformed, .notAnObject:
            preconditionFailure("the file was parsed before its members are read")
        case .missing:
            SettingError(setting: label(member), value: nil, problem: "is missing", remedy: "add it to the file")
        case .wrongType(_, let expected, let found):
            SettingError(setting: label(member), value: nil, problem: "is \(found)", remedy: "use \(expected)")
        case .outOfRange(_, let value, let range):
            SettingError(
                setting: label(member),
                value: value,
                problem: "is out of range",
                remedy: range.hasPrefix("a ") ? "use \(range)" : "use a number \(range)"
            )
        }
    }
}
