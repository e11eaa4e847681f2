/// A peer's leaf certificate after verification.
package struct VerifiedCertificate: Hashable, Sendable {
    /// The leaf as it came (X.509 DER).
    package let der: [UInt8]
    /// The subject's common name; nil when there is none, or more than one.
    package let commonName: String?
}
