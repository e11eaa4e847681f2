import Glibc
import NIOCore
import Shared
import Testing

@testable import Connector

@Suite("TargetDialError")
struct TargetDialErrorTests {
    @Test func aTimeoutIsTold() {
        let error = TargetDialError(ChannelError.connectTimeout(.seconds(10)))
        #expect(error == .timedOut)
        #expect(error.code == .dialTimedOut)
    }

    @Test func anythingElseIsUnreachable() {
        let error = TargetDialError(IOError(errnoCode: ECONNREFUSED, reason: "connect"))
        #expect(error.code == .targetUnreachable)
        #expect(error.description.contains("refused"))
    }
}
