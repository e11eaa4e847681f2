/// The three PEM files that make up one end's TLS identity, parsed and checked against one another.
package struct TLSFiles {
    /// Far above what chains and CA bundles need.
    private static let maximumBytes = 4 << 20

    package let credentials: TLSCredentials
    package let anchors: TrustAnchors

    /// - Throws: ``SettingError`` naming the file that cannot be used.
    package init(
        certificate: ReadableFile,
        privateKey: ReadableFile,
        authorities: ReadableFile
    ) throws(SettingError) {
        let chain = try Self.parse(certificate, remedy: "give a PEM file, the leaf certificate first") {
            (pem) throws(CertificateError) in try CertificateChain(pem: pem)
        }
        let key = try Self.parse(privateKey, remedy: "give the PEM private key of the certificate") {
            (pem) throws(CertificateError) in try PrivateKey(pem: pem)
        }
        do throws(CertificateError) {
            credentials = try TLSCredentials(chain: chain, key: key)
        } catch {
            throw privateKey.error("\(error)", remedy: "give the private key that belongs to \(certificate.path)")
        }
        anchors = try Self.parse(authorities, remedy: "give a PEM file with the CA certificates to trust") {
            (pem) throws(CertificateError) in try TrustAnchors(CertificateChain(pem: pem))
        }
    }

    private static func parse<Value>(
        _ file: ReadableFile,
        remedy: String,
        _ body: ([UInt8]) throws(CertificateError) -> Value
    ) throws(SettingError) -> Value {
        let bytes = try file.contents(maxBytes: maximumBytes)
        do throws(CertificateError) {
            return try body(bytes)
        } catch {
            throw file.error("\(error)", remedy: remedy)
        }
    }
}
