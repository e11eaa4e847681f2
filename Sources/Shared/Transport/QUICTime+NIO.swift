internal import NIOCore

extension QUICTime {
    /// The present instant of SwiftNIO's monotonic clock.
    package static func now() -> QUICTime {
        QUICTime(nanoseconds: NIODeadline.now().uptimeNanoseconds)
    }

    var deadline: NIODeadline { .uptimeNanoseconds(nanoseconds) }
}
