import Testing

@testable import Listener
@testable import Shared

@Suite("CertificateAuthorization")
struct CertificateAuthorizationTests {
    private func admission(commonName: String?) async -> Admission {
        await CertificateAuthorization.commonName.admission(of: VerifiedCertificate(der: [1], commonName: commonName))
    }

    @Test func commonNameIsTheClientUID() async throws {
        #expect(await admission(commonName: "alice") == .admitted(try ClientUID("alice")))
    }

    @Test(arguments: [
        (nil, "the certificate's subject has no common name, or more than one"),
        ("", "the certificate's common name is empty"),
        ("a\u{0}b", "the certificate's common name contains a control character"),
        (" a", "the certificate's common name begins or ends with white space"),
    ])
    func unusableCommonNameIsRefused(commonName: String?, reason: String) async {
        #expect(await admission(commonName: commonName) == .refused(reason: reason))
    }
}

@Suite("Admission")
struct AdmissionTests {
    @Test func onlyAClearYesAdmits() throws {
        let alice = try ClientUID("alice")
        #expect(Admission(.belongs(to: alice)) == .admitted(alice))
        #expect(Admission(.refused(reason: "no")) == .refused(reason: "no"))
        #expect(Admission(.undecided(reason: "silence")) == .undecided(reason: "silence"))
    }
}

@Suite("SessionRecheck")
struct SessionRecheckTests {
    @Test func sameUIDKeepsTheSession() throws {
        let alice = try ClientUID("alice")
        var recheck = SessionRecheck(of: alice)
        #expect(recheck.received(.belongs(to: alice)) == .keep)
    }

    @Test func anotherUIDEndsTheSession() throws {
        var recheck = SessionRecheck(of: try ClientUID("alice"))
        let action = recheck.received(.belongs(to: try ClientUID("bob")))
        #expect(action == .end(reason: "the certificate now belongs to \"bob\""))
    }

    @Test func refusalEndsTheSession() throws {
        var recheck = SessionRecheck(of: try ClientUID("alice"))
        _ = recheck.received(.undecided(reason: "silence"))
        #expect(recheck.received(.refused(reason: "revoked")) == .end(reason: "revoked"))
    }

    @Test func silenceKeepsTheSessionAndWarnsOncePerOutage() throws {
        let alice = try ClientUID("alice")
        var recheck = SessionRecheck(of: alice)
        #expect(recheck.received(.undecided(reason: "a")) == .keepAndWarn(reason: "a"))
        #expect(recheck.received(.undecided(reason: "b")) == .keep)
        #expect(recheck.received(.belongs(to: alice)) == .keep)
        #expect(recheck.received(.undecided(reason: "c")) == .keepAndWarn(reason: "c"))
    }
}

@Suite("VerifiedCertificate.pem")
struct VerifiedCertificatePEMTests {
    @Test func linesHave64CharactersAndEndInALineFeed() {
        // 48 bytes fill a line exactly, 49 begin another.
        for (count, lengths) in [(1, [4]), (48, [64]), (49, [64, 4]), (100, [64, 64, 8])] {
            let pem = VerifiedCertificate(der: [UInt8](repeating: 0xFB, count: count), commonName: nil).pem
            let lines = pem.split(separator: "\n", omittingEmptySubsequences: false)
            #expect(lines.first == "-----BEGIN CERTIFICATE-----")
            #expect(lines.dropFirst().dropLast(2).map(\.count) == lengths)
            #expect(lines.suffix(2) == ["-----END CERTIFICATE-----", ""])
        }
    }

    @Test func everythingButUnreservedCharactersIsPercentEncoded() {
        // 0xFB 0xEF 0xBE is "++++" in base64, 0xFF 0xFF 0xFF "////".
        let certificate = VerifiedCertificate(der: [0xFB, 0xEF, 0xBE, 0xFF, 0xFF, 0xFF, 0], commonName: nil)
        #expect(
            certificate.percentEncodedPEM
                == "-----BEGIN%20CERTIFICATE-----%0A%2B%2B%2B%2B%2F%2F%2F%2FAA%3D%3D%0A-----END%20CERTIFICATE-----%0A"
        )
    }
}
