/// The version of both programs, as `--version` prints it.
package enum Version {
    package static let current = "2.0.0-dev"
    /// How a program names itself to the other end (`warp/1`).
    package static let software = "socket-warp \(current)"
}
