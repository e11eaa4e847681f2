import TestSupport
import Testing

@testable import Shared

@Suite("PrivateKey and TLSCredentials")
struct PrivateKeyTests {
    private func files(_ request: CertificateRequest) throws -> (certificate: [UInt8], key: [UInt8]) {
        let files = try ThrowAwayPKI.perRun().certificate(request)
        return (try ThrowAwayPKI.bytes(of: files.certificatePath), try ThrowAwayPKI.bytes(of: files.keyPath))
    }

    @Test(
        arguments: [
            (.ecdsaPKCS8, "BEGIN PRIVATE KEY"), (.ecdsaSEC1, "BEGIN EC PRIVATE KEY"),
            (.rsaPKCS8, "BEGIN PRIVATE KEY"), (.rsaPKCS1, "BEGIN RSA PRIVATE KEY"),
        ] as [(CertificateRequest.Key, String)]
    )
    func everyFormIsRead(_ kind: CertificateRequest.Key, _ label: String) throws {
        let (certificate, pem) = try files(.client("key").with { $0.key = kind })
        #expect(String(decoding: pem, as: UTF8.self).contains(label))
        let key = try PrivateKey(pem: pem)
        let chain = try CertificateChain(pem: certificate)
        #expect(chain.leaf.matches(key))
        _ = try TLSCredentials(chain: chain, key: key)
        let pkcs8 = key.withPKCS8PEM { String(decoding: $0, as: UTF8.self) }
        #expect(pkcs8?.hasPrefix("-----BEGIN PRIVATE KEY-----") == true)
    }

    @Test(arguments: [[], ["-traditional"]])
    func anEncryptedKeyIsNamedAsSuch(form: [String]) throws {
        let files = try ThrowAwayPKI.perRun().certificate(.client("key"))
        let folder = try ScratchFolder("encrypted-key")
        let path = folder.file("encrypted.pem")
        try CommandLineTool.run(
            "/usr/bin/openssl",
            ["pkey", "-in", files.keyPath, "-aes256", "-passout", "pass:secret", "-out", path] + form
        )
        let pem = try ThrowAwayPKI.bytes(of: path)
        #expect(throws: CertificateError.encryptedPrivateKey) { try PrivateKey(pem: pem) }
    }

    @Test func whatHoldsNoKeyIsRefused() throws {
        let (certificate, key) = try files(.client("key"))
        let contents = [[], Array("hello".utf8), [0, 255, 1], certificate, Array(key.prefix(key.count / 2))]
        for content in contents {
            #expect(throws: CertificateError.noPrivateKey) { try PrivateKey(pem: content) }
        }
    }

    @Test func aKeyBehindItsCertificateIsFound() throws {
        let (certificate, key) = try files(.client("key"))
        let chain = try CertificateChain(pem: certificate + key)
        #expect(chain.leaf.matches(try PrivateKey(pem: certificate + key)))
    }

    @Test(arguments: [CertificateRequest.Key.ecdsaPKCS8, .rsaPKCS8])
    func theKeyOfAnotherCertificateDoesNotMatch(kind: CertificateRequest.Key) throws {
        let chain = try CertificateChain(pem: files(.client("one")).certificate)
        let key = try PrivateKey(pem: files(.client("two").with { $0.key = kind }).key)
        #expect(!chain.leaf.matches(key))
        #expect(throws: CertificateError.keyDoesNotMatch) { try TLSCredentials(chain: chain, key: key) }
    }

    @Test func theKeyOfAnIntermediateIsNotTheLeafs() throws {
        let (certificate, key) = try files(.client("leaf").with { $0.issuer = .intermediate })
        let chain = try CertificateChain(pem: certificate)
        #expect(chain.certificates.count == 2)
        #expect(chain.certificates[0].matches(try PrivateKey(pem: key)))
        #expect(!chain.certificates[1].matches(try PrivateKey(pem: key)))
    }

    @Test func damagedKeysNeverTrap() throws {
        let good = try files(.client("key")).key
        var generator = SplitMix64(state: 32)
        for _ in 0..<3000 {
            var bytes = good
            for _ in 0...generator.next(upperBound: UInt64(4)) {
                let index = Int(generator.next(upperBound: UInt64(bytes.count)))
                bytes[index] = UInt8(truncatingIfNeeded: generator.next())
            }
            do throws(CertificateError) {
                _ = try PrivateKey(pem: bytes)
            } catch {
                #expect(error == .noPrivateKey || error == .encryptedPrivateKey)
            }
        }
    }
}
