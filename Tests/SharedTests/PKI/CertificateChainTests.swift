import TestSupport
import Testing

@testable import Shared

@Suite("CertificateChain")
struct CertificateChainTests {
    private func pem(_ request: CertificateRequest = .client("chain")) throws -> [UInt8] {
        try ThrowAwayPKI.bytes(of: ThrowAwayPKI.perRun().certificate(request).certificatePath)
    }

    @Test func oneCertificateIsRead() throws {
        let chain = try CertificateChain(pem: pem())
        #expect(chain.certificates.count == 1)
        #expect(chain.leaf.commonName == "chain")
    }

    @Test func theLeafComesFirst() throws {
        let chain = try CertificateChain(pem: pem(.client("leaf").with { $0.issuer = .intermediate }))
        #expect(chain.certificates.map(\.commonName) == ["leaf", "socket-warp test intermediate"])
    }

    @Test func textAroundCertificatesIsSkipped() throws {
        let text = Array("subject: somebody\n\n".utf8)
        let chain = try CertificateChain(pem: text + pem() + text + pem() + text)
        #expect(chain.certificates.count == 2)
    }

    @Test func whatIsWrittenIsReadAgain() throws {
        let chain = try CertificateChain(pem: pem(.client("leaf").with { $0.issuer = .intermediate }))
        let again = try CertificateChain(pem: chain.pem)
        #expect(again.pem == chain.pem)
        #expect(again.certificates.count == 2)
    }

    @Test func aFileWithoutCertificatesIsRefused() throws {
        let key = try ThrowAwayPKI.bytes(of: ThrowAwayPKI.perRun().certificate(.client("chain")).keyPath)
        for content in [[], Array("hello".utf8), [0, 1, 2, 255], key] {
            #expect(throws: CertificateError.noCertificate) { try CertificateChain(pem: content) }
        }
    }

    @Test func theDamagedCertificateIsNamed() throws {
        let good = try pem()
        let damaged = Array("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".utf8)
        #expect(throws: CertificateError.malformedCertificate(index: 0)) { try CertificateChain(pem: damaged) }
        #expect(throws: CertificateError.malformedCertificate(index: 1)) { try CertificateChain(pem: good + damaged) }
        #expect(throws: CertificateError.malformedCertificate(index: 0)) {
            try CertificateChain(pem: Array(good.prefix(good.count / 2)))
        }
    }

    @Test func theNumberOfCertificatesIsBounded() throws {
        let one = try pem()
        let most = CertificateChain.maximumCount
        #expect(
            try CertificateChain(pem: [[UInt8]](repeating: one, count: most).flatMap { $0 }).certificates.count == most
        )
        #expect(throws: CertificateError.tooManyCertificates(limit: most)) {
            try CertificateChain(pem: [[UInt8]](repeating: one, count: most + 1).flatMap { $0 })
        }
    }

    @Test func damagedFilesNeverTrap() throws {
        let good = try pem()
        var generator = SplitMix64(state: 31)
        for _ in 0..<3000 {
            var bytes = Array(good.prefix(1 + Int(generator.next(upperBound: UInt64(good.count)))))
            for _ in 0..<generator.next(upperBound: UInt64(5)) {
                let index = Int(generator.next(upperBound: UInt64(bytes.count)))
                bytes[index] = UInt8(truncatingIfNeeded: generator.next())
            }
            do throws(CertificateError) {
                #expect(!(try CertificateChain(pem: bytes).certificates.isEmpty))
            } catch {
                #expect(!error.description.isEmpty)
            }
        }
    }

    @Test func derMustBeExactlyOneCertificate() throws {
        let chain = try CertificateChain(pem: pem())
        let anchors = try TrustAnchors(CertificateChain(pem: ThrowAwayPKI.bytes(of: ThrowAwayPKI.perRun().caPath)))
        let der = try anchors.verify([chain.leafDER], as: .client, at: ThrowAwayPKI.wallClock).der
        #expect(Certificate(der: der) != nil)
        #expect(Certificate(der: der + [0]) == nil)
        #expect(Certificate(der: der.dropLast()) == nil)
        #expect(Certificate(der: []) == nil)
    }
}

extension CertificateChain {
    /// The leaf's DER, taken out of its PEM.
    fileprivate var leafDER: [UInt8] { DERBlock.first(in: pem) }
}
