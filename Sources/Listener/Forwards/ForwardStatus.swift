/// What the control API tells about one forward: a copy, true at the moment of ``ForwardTable/list()``.
package struct ForwardStatus: Hashable, Sendable {
    package let forward: Forward
    /// Why its port is not listened on; nil when it is.
    package let problem: ForwardError?
    package let reading: ForwardMeter.Reading

    package var isListening: Bool { problem == nil }

    package init(forward: Forward, problem: ForwardError?, reading: ForwardMeter.Reading) {
        self.forward = forward
        self.problem = problem
        self.reading = reading
    }
}
