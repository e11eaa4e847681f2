import TestSupport

extension DaemonProcess {
    /// What a running program is given for something that it must do within `time`: more under the address sanitizer, which
    /// slows it several times.
    func allow(_ time: Duration) throws -> Duration {
        try ProcessInspection(self).isAddressSanitized() ? time * 5 : time
    }
}
