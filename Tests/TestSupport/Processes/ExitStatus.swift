/// How a process ended.
package enum ExitStatus: Equatable, Sendable {
    /// It returned from `main` or called `exit` with this code.
    case exited(Int32)
    /// A signal ended it: a trap shows as SIGILL or SIGTRAP, a missed deadline of the tests as SIGKILL.
    case signalled(Int32)

    /// Decodes what `waitpid(2)` stored: the low seven bits hold the signal, the next byte the exit code.
    init(waitStatus: Int32) {
        let signal = waitStatus & 0x7f
        self = signal == 0 ? .exited((waitStatus >> 8) & 0xff) : .signalled(signal)
    }
}
