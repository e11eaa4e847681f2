package import Logging
package import NIOCore

/// A setting as text, not yet believed. Each method parses it into one bounded type, or says what is wrong with it.
package struct RawSetting: Sendable {
    /// The name that an error message carries.
    package let name: String
    package let text: String

    package init(name: String, text: String) {
        self.name = name
        self.text = text
    }

    /// A whole number in decimal digits, within `range`, which starts at zero or above.
    package func integer(in range: ClosedRange<Int>) throws(SettingError) -> Int {
        let remedy = "use a whole number from \(range.lowerBound) to \(range.upperBound)"
        guard !text.isEmpty, text.utf8.allSatisfy(\.isDigit) else {
            throw error("is not a whole number", remedy: remedy)
        }
        guard let number = Int(text), range.contains(number) else {
            throw error("is out of range", remedy: remedy)
        }
        return number
    }

    /// A duration in seconds, decimals allowed, within `seconds` or, if `orZero`, zero.
    package func duration(seconds range: ClosedRange<Double>, orZero: Bool = false) throws(SettingError) -> TimeAmount {
        let alternative = orZero ? ", or 0" : ""
        let remedy = "use seconds from \(range.lowerBound.brief) to \(range.upperBound.brief)\(alternative)"
        // `Double` also reads "inf", "nan" and "0x1p4"; none of them is a duration.
        guard text.utf8.contains(where: \.isDigit), text.utf8.allSatisfy({ $0.isDigit || $0 == UInt8(ascii: ".") }),
            let seconds = Double(text)
        else {
            throw error("is not a number of seconds", remedy: remedy)
        }
        guard range.contains(seconds) || (orZero && seconds == 0) else {
            throw error("is out of range", remedy: remedy)
        }
        return .seconds(fractional: seconds)
    }

    /// One of the ``LogLevelName``s, in any letter case.
    package func logLevel() throws(SettingError) -> Logger.Level {
        guard let name = LogLevelName(rawValue: text.lowercased()) else {
            let names = LogLevelName.allCases.map(\.rawValue).joined(separator: ", ")
            throw error("is not a log level", remedy: "use one of \(names)")
        }
        return name.level
    }

    /// One of the ``CongestionController``s by its name.
    package func congestionController() throws(SettingError) -> CongestionController {
        guard let controller = CongestionController(rawValue: text) else {
            let names = CongestionController.allCases.map(\.rawValue).joined(separator: ", ")
            throw error("is not a congestion controller", remedy: "use one of \(names)")
        }
        return controller
    }

    /// An IP address to listen on, or the name `localhost`, which means 127.0.0.1.
    ///
    /// - Parameter port: 0 to 65,535.
    package func listenAddress(port: Int) throws(SettingError) -> SocketAddress {
        let isBracketed = text.hasPrefix("[") && text.hasSuffix("]")
        let literal = text == "localhost" ? "127.0.0.1" : isBracketed ? String(text.dropFirst().dropLast()) : text
        guard IPLiteral.isValid(literal) else {
            throw notAnIPAddress
        }
        do {
            return try SocketAddress(ipAddress: literal, port: port)
        } catch {
            throw notAnIPAddress
        }
    }

    private var notAnIPAddress: SettingError {
        error(
            "is not an IP address",
            remedy: "use an address of this machine, 0.0.0.0 for all of IPv4 or :: for all of IPv4 and IPv6"
        )
    }

    /// An error about this setting.
    package func error(_ problem: String, remedy: String) -> SettingError {
        SettingError(setting: name, value: text, problem: problem, remedy: remedy)
    }
}

extension TimeAmount {
    /// A duration from seconds with decimals, to the nanosecond; `seconds` is finite and below 10⁹.
    package static func seconds(fractional seconds: Double) -> TimeAmount {
        .nanoseconds(Int64((seconds * 1e9).rounded()))
    }
}

extension Double {
    /// Without ".0" where the number is whole.
    package var brief: String {
        Int64(exactly: self).map { "\($0)" } ?? "\(self)"
    }
}

extension UInt8 {
    fileprivate var isDigit: Bool { UInt8(ascii: "0")...UInt8(ascii: "9") ~= self }
}
