/// Why a peer's certificate was refused.
package struct CertificateRejection: Error, Hashable, Sendable, CustomStringConvertible {
    /// What to tell a person; says nothing that the peer did not send us.
    package let description: String
    /// The TLS alert that tells the peer (RFC 8446 §6.2).
    let tlsAlert: UInt8
}
