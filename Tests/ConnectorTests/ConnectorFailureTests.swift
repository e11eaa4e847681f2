import Shared
import Testing

@testable import Connector

@Suite("ConnectorFailure")
struct ConnectorFailureTests {
    /// How a connection can end that says nothing of this connector.
    static let losses: [ConnectionClosure] = [
        .idleTimeout, .handshakeTimeout, .statelessReset, .noCommonVersion, .dropped(libraryError: -1),
        .assertionFailed("x > 0"),
        .peer(.application(ApplicationErrorCode.shuttingDown.rawValue, reason: "")),
        .peer(.application(ApplicationErrorCode.sessionEnded.rawValue, reason: "")),
        .peer(.application(ApplicationErrorCode.noError.rawValue, reason: "")),
        .peer(.application(0xffff, reason: "")),
        .peer(.transport(0x100 | 48, reason: "").asApplication),
        .peer(.transport(ApplicationErrorCode.notAdmitted.rawValue, reason: "")),
        .local(.application(ApplicationErrorCode.notAdmitted.rawValue, reason: "")),
        .local(.transport(0x7, reason: "frame encoding")),
    ]

    @Test(arguments: [ApplicationErrorCode.notAdmitted, .clientUIDInUse, .admissionUnavailable], [false, true])
    func aRefusalAtAdmissionIsARefusal(code: ApplicationErrorCode, isComplete: Bool) {
        let closure = ConnectionClosure.peer(.application(code.rawValue, reason: "no"))
        let failure = ConnectorFailure(closure, handshakeWasComplete: isComplete)
        #expect(failure == .refused(closure, handshakeWasComplete: isComplete))
    }

    @Test(arguments: [false, true])
    func aTLSAlertOfEitherEndIsARefusal(isComplete: Bool) {
        let unknownCA = CloseFrame.transport(0x100 | 48, reason: "unknown CA")
        for closure in [ConnectionClosure.peer(unknownCA), .local(unknownCA)] {
            let failure = ConnectorFailure(closure, handshakeWasComplete: isComplete)
            #expect(failure == .refused(closure, handshakeWasComplete: isComplete))
        }
    }

    @Test(arguments: losses, [false, true])
    func everyOtherEndIsALoss(closure: ConnectionClosure, isComplete: Bool) {
        #expect(ConnectorFailure(closure, handshakeWasComplete: isComplete) == .lost(closure))
    }

    @Test func anAnswerIsWorthMoreThanSilence() {
        #expect(ConnectorFailure.refused(.idleTimeout, handshakeWasComplete: false).isAnswer)
        #expect(ConnectorFailure.turnedAway(.policy, text: "").isAnswer)
        #expect(ConnectorFailure.lost(.noCommonVersion).isAnswer)
        #expect(!ConnectorFailure.lost(.handshakeTimeout).isAnswer)
        #expect(!ConnectorFailure.socketUnusable("").isAnswer)
        #expect(!ConnectorFailure.nameNotFound("").isAnswer)
    }

    /// Every situation that a failure can be judged in.
    static let situations = [false, true].flatMap { isComplete in [false, true].map { (isComplete, $0) } }

    // Alert, and whether it says that a certificate is no good.
    @Test(arguments: (0...255).map { (UInt8($0), [42, 43, 44, 45, 46, 48, 116].contains($0)) })
    func onlyAlertsAboutCertificatesEndTheProgram(alert: UInt8, isAboutCertificates: Bool) {
        let frame = CloseFrame.transport(0x100 | UInt64(alert), reason: "")
        for (isComplete, wasAdmitted) in Self.situations {
            let refused = ConnectorFailure(.peer(frame), handshakeWasComplete: isComplete)
            #expect(refused.isPermanent(afterAdmission: wasAdmitted) == (isAboutCertificates && isComplete))
            let refusing = ConnectorFailure(.local(frame), handshakeWasComplete: isComplete)
            #expect(refusing.isPermanent(afterAdmission: wasAdmitted) == (isAboutCertificates && !wasAdmitted))
        }
    }

    @Test func notBeingAdmittedEndsTheProgramIfItIsTheListenersWord() {
        let closure = ConnectionClosure.peer(.application(ApplicationErrorCode.notAdmitted.rawValue, reason: "no"))
        for (isComplete, wasAdmitted) in Self.situations {
            let failure = ConnectorFailure(closure, handshakeWasComplete: isComplete)
            #expect(failure.isPermanent(afterAdmission: wasAdmitted) == isComplete)
        }
    }

    @Test(arguments: [ApplicationErrorCode.clientUIDInUse, .admissionUnavailable])
    func whatMayPassIsTriedAgain(code: ApplicationErrorCode) {
        let closure = ConnectionClosure.peer(.application(code.rawValue, reason: "not now"))
        for (isComplete, wasAdmitted) in Self.situations {
            let failure = ConnectorFailure(closure, handshakeWasComplete: isComplete)
            #expect(!failure.isPermanent(afterAdmission: wasAdmitted))
        }
    }

    @Test(arguments: losses.map { ConnectorFailure.lost($0) } + [.nameNotFound("listener"), .socketUnusable("EMFILE")])
    func noLossEndsTheProgram(failure: ConnectorFailure) {
        #expect(!failure.isPermanent(afterAdmission: false))
        #expect(!failure.isPermanent(afterAdmission: true))
    }

    @Test(arguments: [
        (RefusalReason.clientUIDInUse, false), (.certificateRefused, true), (.admissionUnavailable, false),
        (.policy, true), (.noCommonVersion, true), (.shuttingDown, false),
    ])
    func aRefusalOfTheHelloEndsTheProgramWhenNoRetryMendsIt(reason: RefusalReason, isPermanent: Bool) {
        for wasAdmitted in [false, true] {
            let failure = ConnectorFailure.turnedAway(reason, text: "no")
            #expect(failure.isPermanent(afterAdmission: wasAdmitted) == isPermanent)
        }
    }
}

extension CloseFrame {
    /// The same code, closed by the application: the number is no TLS alert then.
    fileprivate var asApplication: CloseFrame { .application(code, reason: reason) }
}
