import Glibc

/// The limit of open files of the test process, which every daemon inherits.
package enum OpenFileLimit {
    /// Enough for a thousand relays: two sockets each in the tests, one each in the listener and the connector.
    private static let wanted: rlim_t = 8192

    /// Raises the soft limit as far as the hard limit lets it, once. Returns the limit now in force.
    package static func raise() -> Int {
        raised
    }

    private static let raised: Int = {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        if limit.rlim_cur < wanted {
            limit.rlim_cur = min(wanted, limit.rlim_max)
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        }
        return Int(clamping: limit.rlim_cur)
    }()
}
