import Testing

@testable import Shared

@Suite("TLSAlert")
struct TLSAlertTests {
    // RFC 8446 §6 and RFC 7301.
    @Test(
        arguments: [
            (42, "bad_certificate"), (43, "unsupported_certificate"), (44, "certificate_revoked"),
            (45, "certificate_expired"), (46, "certificate_unknown"), (48, "unknown_ca"),
            (116, "certificate_required"), (120, "no_application_protocol"), (40, "handshake_failure"),
            (80, "internal_error"),
        ] as [(UInt8, String)]
    )
    func hasTheNameOfTheStandard(_ alert: UInt8, _ name: String) {
        #expect(TLSAlert.name(of: alert) == name)
    }

    @Test func anUnknownAlertIsItsNumber() {
        #expect(TLSAlert.name(of: 200) == "200")
    }

    @Test func noTwoAlertsShareAName() {
        #expect(Set((0...255).map { TLSAlert.name(of: $0) }).count == 256)
    }
}
