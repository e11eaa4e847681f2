internal import Glibc

/// The environment variables of this process.
package enum ProcessEnvironment {
    /// Read once, before anything changes them. Text that is not UTF-8 is repaired, and so refused where it matters.
    package static var current: [String: String] {
        var variables: [String: String] = [:]
        var cursor = environ
        while let entry = cursor.pointee {
            let parts = String(cString: entry).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 {
                variables[String(parts[0])] = String(parts[1])
            }
            cursor = cursor.successor()
        }
        return variables
    }
}
