import Foundation
import Synchronization

/// Certificates minted for one run of the tests, in a folder that disappears with it.
///
/// One instance serves the whole run (`perRun()`): it makes what is asked for once and hands the same files out again.
package final class ThrowAwayPKI: Sendable {
    private static let shared = Result { try ThrowAwayPKI() }

    /// PEM with the one root that both ends trust.
    package let caPath: String
    /// PEM with several certificates: a root that signed nothing here, then the trusted one.
    package let caBundlePath: String
    /// PEM with only a root that signed nothing here.
    package let unrelatedCAPath: String

    private let folder: ScratchFolder
    private let root: CertificateAuthority
    private let intermediate: CertificateAuthority
    private let stranger: CertificateAuthority
    /// Held while something is minted, so that calls of `openssl ca` do not overlap.
    private let minted = Mutex<[CertificateRequest: CertificateFiles]>([:])

    /// The certificates of this run.
    package static func perRun() throws -> ThrowAwayPKI {
        try shared.get()
    }

    /// Certificates of one's own, in a folder that disappears with the object.
    ///
    /// - Parameter key: what the authorities have.
    package init(authorities key: CertificateRequest.Key = .ecdsaPKCS8) throws {
        folder = try ScratchFolder("pki")
        root = try CertificateAuthority(root: "socket-warp test root", key: key)
        intermediate = try CertificateAuthority(intermediate: "socket-warp test intermediate", key: key, issuer: root)
        stranger = try CertificateAuthority(root: "somebody else's root", key: key)
        let unrelated = try CertificateAuthority(root: "a root that signed nothing", key: key)
        caPath = root.certificatePath
        unrelatedCAPath = try folder.write(try Self.text(of: unrelated.certificatePath), to: "unrelated.pem")
        caBundlePath = try folder.write(
            try Self.text(of: unrelated.certificatePath) + Self.text(of: root.certificatePath),
            to: "bundle.pem"
        )
    }

    /// The files of such a certificate, minted now or earlier in this run.
    package func certificate(_ request: CertificateRequest) throws -> CertificateFiles {
        try minted.withLock { minted in
            if let files = minted[request] { return files }
            let files = try mint(request, number: minted.count)
            minted[request] = files
            return files
        }
    }

    private func mint(_ request: CertificateRequest, number: Int) throws -> CertificateFiles {
        let keyPath = folder.file("\(number).key")
        let requestPath = folder.file("\(number).csr")
        let certificatePath = folder.file("\(number).pem")
        let extensionPath = try folder.write(Self.extensions(of: request), to: "\(number).ext")

        try OpenSSL.run(
            ["req", "-new", "-subj", "/CN=\(request.commonName)", "-out", requestPath]
                + ["-config", try folder.write(Self.requestConfiguration, to: "request.cnf")]
                + OpenSSL.newKey(request.key, at: keyPath)
        )
        if request.key == .ecdsaSEC1 || request.key == .rsaPKCS1 {
            try OpenSSL.convertToTraditionalForm(keyPath)
        }
        let issuer =
            switch request.issuer {
            case .root: root
            case .intermediate: intermediate
            case .stranger: stranger
            }
        try issuer.sign(
            requestPath,
            extensions: "leaf",
            extensionFile: extensionPath,
            dates: request.validity,
            into: certificatePath
        )
        if request.issuer == .intermediate {
            let chain = try Self.text(of: certificatePath) + Self.text(of: intermediate.certificatePath)
            _ = try folder.write(chain, to: "\(number).pem")
        }
        return CertificateFiles(certificatePath: certificatePath, keyPath: keyPath)
    }

    private static let requestConfiguration = """
        [req]
        distinguished_name = empty
        prompt = no
        [empty]

        """

    private static func extensions(of request: CertificateRequest) -> String {
        var lines = [
            "[leaf]",
            "basicConstraints = critical, CA:FALSE",
            "keyUsage = critical, digitalSignature",
            "extendedKeyUsage = \(request.purpose.rawValue)",
        ]
        if !request.alternativeNames.isEmpty {
            lines.append("subjectAltName = \(request.alternativeNames.joined(separator: ", "))")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func text(of path: String) throws -> String {
        try String(contentsOfFile: path, encoding: .utf8)
    }
}
