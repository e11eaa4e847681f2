/// A setting that cannot be used: the one line that a person at the terminal gets.
package struct SettingError: Error, Hashable, CustomStringConvertible {
    /// The name by which the person knows the setting: an environment variable, or a member of the settings file.
    package let setting: String
    /// The value as it was given; nil when there is none.
    package let value: String?
    /// What is wrong, continuing the sentence that begins with setting and value: "is not a number".
    package let problem: String
    /// What to do about it, as an imperative: "use a whole number from 0 to 65535".
    package let remedy: String

    package init(setting: String, value: String?, problem: String, remedy: String) {
        self.setting = setting
        self.value = value
        self.problem = problem
        self.remedy = remedy
    }

    /// `SWL_PORT="x" is not a number; use a whole number from 0 to 65535`
    package var description: String {
        let subject = value.map { "\(setting)=\"\($0.singleLine(limit: 200))\"" } ?? setting
        return "\(subject) \(problem.singleLine(limit: 400)); \(remedy)"
    }
}
