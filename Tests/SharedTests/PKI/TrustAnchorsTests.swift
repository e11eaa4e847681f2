import TestSupport
import Testing

@testable import Shared

@Suite("TrustAnchors")
struct TrustAnchorsTests {
    private func anchors(_ path: (ThrowAwayPKI) -> String = { $0.caPath }) throws -> TrustAnchors {
        try TrustAnchors(CertificateChain(pem: ThrowAwayPKI.bytes(of: path(ThrowAwayPKI.perRun()))))
    }

    private func chain(_ request: CertificateRequest) throws -> [[UInt8]] {
        DERBlock.all(in: try ThrowAwayPKI.bytes(of: ThrowAwayPKI.perRun().certificate(request).certificatePath))
    }

    private func rejection(
        _ chain: [[UInt8]],
        as expectation: PeerExpectation = .client,
        at now: Int64 = ThrowAwayPKI.wallClock,
        by anchors: TrustAnchors
    ) -> UInt8? {
        do throws(CertificateRejection) {
            _ = try anchors.verify(chain, as: expectation, at: now)
            return nil
        } catch {
            return error.tlsAlert
        }
    }

    @Test func aGoodCertificateIsReturnedAsItCame() throws {
        let der = try chain(.client("good"))
        let verified = try anchors().verify(der, as: .client, at: ThrowAwayPKI.wallClock)
        #expect(verified.der == der.first)
        #expect(verified.commonName == "good")
    }

    @Test func nothingIsRefusedAsNothing() throws {
        #expect(rejection([], by: try anchors()) == TLSAlert.certificateRequired)
    }

    @Test func garbageIsRefused() throws {
        let good = try chain(.client("good"))
        let anchors = try anchors()
        #expect(rejection([[]], by: anchors) == TLSAlert.badCertificate)
        #expect(rejection([[1, 2, 3]], by: anchors) == TLSAlert.badCertificate)
        #expect(rejection(good + [[1, 2, 3]], by: anchors) == TLSAlert.badCertificate)
        #expect(rejection(good.map { $0 + [0] }, by: anchors) == TLSAlert.badCertificate)
    }

    @Test func aLongChainIsRefusedUnread() throws {
        let good = try chain(.client("good"))
        let anchors = try anchors()
        let padded = good + [[UInt8]](repeating: good[0], count: 15)
        #expect(rejection(padded, by: anchors) == nil)
        #expect(rejection(padded + [[1]], by: anchors) == TLSAlert.badCertificate)
    }

    @Test func oneFlippedBitIsNoticedWhereverItIs() throws {
        let good = try chain(.client("good"))[0]
        let anchors = try anchors()
        for index in stride(from: 0, to: good.count, by: 3) {
            var damaged = good
            damaged[index] ^= 0x04
            #expect(rejection([damaged], by: anchors) != nil, "byte \(index)")
        }
    }

    @Test func anIntermediateMustBeSentOrTrusted() throws {
        let pki = try ThrowAwayPKI.perRun()
        let der = try chain(.client("below").with { $0.issuer = .intermediate })
        #expect(der.count == 2)
        let anchors = try anchors()
        #expect(rejection(der, by: anchors) == nil)
        #expect(rejection([der[0]], by: anchors) == TLSAlert.unknownCA)
        let path = try pki.certificate(.client("below").with { $0.issuer = .intermediate }).certificatePath
        let file = try CertificateChain(pem: ThrowAwayPKI.bytes(of: path))
        #expect(file.certificates.count == 2)
        // Any certificate of the CA file is an anchor, self-signed or not.
        #expect(rejection([der[0]], by: try TrustAnchors(file)) == nil)
    }

    @Test func aLeafIsNoAuthority() throws {
        let good = try chain(.client("good"))
        let other = try chain(.client("other").with { $0.issuer = .stranger })
        #expect(rejection(other + good, by: try anchors()) == TLSAlert.unknownCA)
    }

    @Test func anyRootOfABundleServes() throws {
        let good = try chain(.client("good"))
        #expect(rejection(good, by: try anchors { $0.caBundlePath }) == nil)
        #expect(rejection(good, by: try anchors { $0.unrelatedCAPath }) == TLSAlert.unknownCA)
    }

    @Test func theClockThatIsPassedInJudges() throws {
        let good = try chain(.client("good"))
        let anchors = try anchors()
        #expect(rejection(good, at: 0, by: anchors) == TLSAlert.badCertificate)
        #expect(rejection(good, at: 4_000_000_000, by: anchors) == TLSAlert.certificateExpired)
    }

    @Test func aServersNameIsAskedFor() throws {
        let server = try chain(.server())
        let anchors = try anchors()
        let good: [ServerName] = [.dns("localhost"), .dns("LOCALHOST"), .address("127.0.0.1"), .address("::1")]
        for name in good {
            #expect(rejection(server, as: .server(name), by: anchors) == nil, "\(name)")
        }
        let bad: [ServerName] = [.dns("local"), .dns("localhost.example"), .dns("127.0.0.1"), .address("127.0.0.2")]
        for name in bad {
            #expect(rejection(server, as: .server(name), by: anchors) == TLSAlert.badCertificate, "\(name)")
        }
        #expect(rejection(server, as: .client, by: anchors) == TLSAlert.unsupportedCertificate)
    }

    @Test func aWildcardStandsForOneLabel() throws {
        let server = try chain(.server().with { $0.alternativeNames = ["DNS:*.example.org"] })
        let anchors = try anchors()
        #expect(rejection(server, as: .server(.dns("a.example.org")), by: anchors) == nil)
        #expect(rejection(server, as: .server(.dns("a.b.example.org")), by: anchors) == TLSAlert.badCertificate)
        #expect(rejection(server, as: .server(.dns("example.org")), by: anchors) == TLSAlert.badCertificate)
    }
}
