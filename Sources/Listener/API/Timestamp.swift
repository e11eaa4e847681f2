import Glibc

/// A moment as the control API tells it: RFC 3339 §5.6, in UTC, with milliseconds.
struct Timestamp: Hashable {
    let millisecondsSince1970: Int64

    init(_ millisecondsSince1970: Int64) {
        self.millisecondsSince1970 = millisecondsSince1970
    }
}

extension Timestamp: CustomStringConvertible {
    var description: String {
        // Rounded down, so that moments before 1970 have their milliseconds counted forward, too.
        let milliseconds = (millisecondsSince1970 % 1000 + 1000) % 1000
        var seconds = time_t((millisecondsSince1970 - milliseconds) / 1000)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        let date = [Self.padded(parts.tm_year + 1900, 4), Self.padded(parts.tm_mon + 1), Self.padded(parts.tm_mday)]
        let time = [parts.tm_hour, parts.tm_min, parts.tm_sec].map { Self.padded($0) }
        let fraction = Self.padded(CInt(milliseconds), 3)
        return "\(date.joined(separator: "-"))T\(time.joined(separator: ":")).\(fraction)Z"
    }

    /// `number` in decimal, 0 or more, with zeros in front up to `width` digits.
    static func padded(_ number: CInt, _ width: Int = 2) -> String {
        let digits = "\(number)"
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}

extension Timestamp: Encodable {
    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
