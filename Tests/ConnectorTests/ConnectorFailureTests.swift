import Shared
import Testing

@testable import Connector

@Suite("ConnectorFailure")
struct ConnectorFailureTests {
    @Test(arguments: [ApplicationErrorCode.notAdmitted, .clientUIDInUse])
    func aRefusalAtAdmissionIsARefusal(code: ApplicationErrorCode) {
        let closure = ConnectionClosure.peer(.application(code.rawValue, reason: "no"))
        #expect(ConnectorFailure(closure) == .refused(closure))
    }

    @Test func aTLSAlertOfEitherEndIsARefusal() {
        let unknownCA = CloseFrame.transport(0x100 | 48, reason: "unknown CA")
        #expect(ConnectorFailure(.peer(unknownCA)) == .refused(.peer(unknownCA)))
        #expect(ConnectorFailure(.local(unknownCA)) == .refused(.local(unknownCA)))
    }

    @Test(arguments: [
        ConnectionClosure.idleTimeout, .handshakeTimeout, .statelessReset, .noCommonVersion,
        .peer(.application(ApplicationErrorCode.shuttingDown.rawValue, reason: "")),
        .peer(.transport(0x100 | 48, reason: "").asApplication),
        .local(.transport(0x7, reason: "frame encoding")),
    ])
    func everyOtherEndIsALoss(closure: ConnectionClosure) {
        #expect(ConnectorFailure(closure) == .lost(closure))
    }

    @Test func anAnswerIsWorthMoreThanSilence() {
        #expect(ConnectorFailure.refused(.idleTimeout).isAnswer)
        #expect(ConnectorFailure.lost(.noCommonVersion).isAnswer)
        #expect(!ConnectorFailure.lost(.handshakeTimeout).isAnswer)
        #expect(!ConnectorFailure.socketUnusable("").isAnswer)
    }
}

extension CloseFrame {
    /// The same code, closed by the application: the number is no TLS alert then.
    fileprivate var asApplication: CloseFrame { .application(code, reason: reason) }
}
