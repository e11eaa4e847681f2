import Glibc

/// A moment as HTTP's header fields tell it: IMF-fixdate (RFC 9110 §5.6.7), `Sun, 06 Nov 1994 08:49:37 GMT`.
struct HTTPDate: Hashable {
    private static let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    let secondsSince1970: Int

    static var now: HTTPDate { HTTPDate(secondsSince1970: time(nil)) }
}

extension HTTPDate: CustomStringConvertible {
    var description: String {
        var seconds: time_t = secondsSince1970
        var parts = tm()
        gmtime_r(&seconds, &parts)
        let date = "\(Timestamp.padded(parts.tm_mday)) \(Self.months[Int(parts.tm_mon)]) \(parts.tm_year + 1900)"
        let time = [parts.tm_hour, parts.tm_min, parts.tm_sec].map { Timestamp.padded($0) }.joined(separator: ":")
        return "\(Self.days[Int(parts.tm_wday)]), \(date) \(time) GMT"
    }
}
