import Glibc
import NIOCore
import Shared
import Testing

@testable import Connector

@Suite("TargetDialError")
struct TargetDialErrorTests {
    private static let refusal = TargetRefusal.addressNotListed(address: "10.1.2.3")

    @Test func aTimeoutIsTold() {
        let error = TargetDialError(ChannelError.connectTimeout(.seconds(10)))
        #expect(error == .timedOut)
        #expect(TargetDialError(IOError(errnoCode: ETIMEDOUT, reason: "connect")) == .timedOut)
    }

    @Test func aRefusedConnectionIsToldFromAnUnreachableTarget() {
        #expect(TargetDialError(IOError(errnoCode: ECONNREFUSED, reason: "connect")) == .refused)
        let unreachable = TargetDialError(IOError(errnoCode: EHOSTUNREACH, reason: "connect"))
        #expect(unreachable.status == .unreachable)
        #expect(unreachable.description.contains("No route to host"))
    }

    @Test(arguments: [EMFILE, ENFILE, ENOMEM, ENOBUFS])
    func whatThisMachineIsOutOfIsNotTheTargetsFault(code: CInt) {
        #expect(TargetDialError(IOError(errnoCode: code, reason: "socket")).status == .overloaded)
        #expect(TargetDialError(HostResolverError(EAI_SYSTEM, errno: code)).status == .overloaded)
    }

    @Test(arguments: [EAI_NONAME, EAI_AGAIN, EAI_FAIL])
    func aNameWithoutAnAnswerIsNotFound(code: CInt) {
        #expect(TargetDialError(HostResolverError(code, errno: 0)).status == .nameNotFound)
    }

    @Test(arguments: [
        (TargetDialError.refused, ApplicationErrorCode.targetUnreachable, RelayStatus.refused),
        (.unreachable("no route"), .targetUnreachable, .unreachable),
        (.timedOut, .dialTimedOut, .timedOut),
        (.nameNotFound("unknown"), .nameNotFound, .nameNotFound),
        (.notAllowed(refusal), .targetNotAllowed, .notAllowed),
        (.overloaded("no descriptor"), .overloaded, .overloaded),
    ])
    func eachErrorHasItsCodeAndStatus(error: TargetDialError, code: ApplicationErrorCode, status: RelayStatus) {
        #expect(error.status == status)
        #expect(error.status.code == code)
        #expect(TargetDialError(error) == error)
    }

    @Test func rulesAndAddressesAreForOurLogOnly() {
        let error = TargetDialError.notAllowed(Self.refusal)
        #expect(error.description.contains("10.1.2.3"))
        #expect(error.detail == "the connector's policy does not allow the target")
    }
}
