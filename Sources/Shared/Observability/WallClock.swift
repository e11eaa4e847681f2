internal import Glibc

/// The time of day, for people: never for timers.
package enum WallClock {
    /// Milliseconds since 1970, UTC.
    package static var millisecondsSince1970: Int64 {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000
    }
}
