import Foundation
import TestSupport
import Testing

/// Asks the `openssl` tool whether each throw-away certificate is what its request says: a refusal by the programs
/// proves something only if the certificate is good in all other ways.
@Suite("ThrowAwayPKI", .endToEnd)
struct ThrowAwayPKITests {
    private let pki: ThrowAwayPKI

    init() throws {
        pki = try ThrowAwayPKI.perRun()
    }

    @Test(arguments: CertificateRequest.Key.allCases)
    func everyKeyFormIsWhatItSays(key: CertificateRequest.Key) throws {
        let files = try pki.certificate(.client("key-forms").with { $0.key = key })
        let text = try String(contentsOfFile: files.keyPath, encoding: .utf8)
        let label =
            switch key {
            case .ecdsaPKCS8, .rsaPKCS8: "PRIVATE KEY"
            case .ecdsaSEC1: "EC PRIVATE KEY"
            case .rsaPKCS1: "RSA PRIVATE KEY"
            }
        #expect(text.hasPrefix("-----BEGIN \(label)-----"))
        #expect(try verify(files, purpose: "sslclient"))
    }

    @Test func aServerCertificateHoldsForLoopbackOnly() throws {
        let files = try pki.certificate(.server())
        #expect(try verify(files, purpose: "sslserver", "-verify_hostname", "localhost"))
        #expect(try verify(files, purpose: "sslserver", "-verify_ip", "::1"))
        #expect(try !verify(files, purpose: "sslserver", "-verify_hostname", "elsewhere.example"))
        #expect(try !verify(files, purpose: "sslclient"))
    }

    @Test func aClientCertificateIsNoServerCertificate() throws {
        #expect(try !verify(try pki.certificate(.client("purpose")), purpose: "sslserver"))
    }

    @Test func datesAreWhatTheySay() throws {
        let expired = try pki.certificate(.client("dates").with { $0.validity = .expired })
        let early = try pki.certificate(.client("dates").with { $0.validity = .notYetValid })
        for files in [expired, early] {
            #expect(try !verify(files, purpose: "sslclient"))
            #expect(try verify(files, purpose: "sslclient", "-no_check_time"))
        }
    }

    @Test func aStrangersCertificateDoesNotChain() throws {
        #expect(
            try !verify(try pki.certificate(.client("stranger").with { $0.issuer = .stranger }), purpose: "sslclient")
        )
    }

    @Test func anIntermediateIsNeededAndInTheFile() throws {
        let files = try pki.certificate(.client("chained").with { $0.issuer = .intermediate })
        #expect(try !verify(files, purpose: "sslclient"))
        #expect(try verify(files, purpose: "sslclient", "-untrusted", files.certificatePath))
    }

    @Test func theBundleHoldsTheRootAmongOthers() throws {
        let files = try pki.certificate(.client("bundle"))
        #expect(try verify(files, purpose: "sslclient", caPath: pki.caBundlePath))
        #expect(try !verify(files, purpose: "sslclient", caPath: pki.unrelatedCAPath))
    }

    private func verify(
        _ files: CertificateFiles,
        purpose: String,
        _ options: String...,
        caPath: String? = nil
    ) throws -> Bool {
        let process = try DaemonProcess(
            path: "/usr/bin/openssl",
            arguments: ["verify", "-CAfile", caPath ?? pki.caPath, "-purpose", purpose] + options + [
                files.certificatePath
            ]
        )
        return try process.waitForExit() == .exited(0)
    }
}
