/// Why a certificate, key or CA file that a person gave us cannot be used.
package enum CertificateError: Error, Hashable, Sendable {
    case noCertificate
    case malformedCertificate(index: Int)
    case tooManyCertificates(limit: Int)
    case noPrivateKey
    case encryptedPrivateKey
    case keyDoesNotMatch
    case unusable(String)
}

extension CertificateError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .noCertificate: "holds no PEM certificate (-----BEGIN CERTIFICATE-----)"
        case .malformedCertificate(let index): "certificate number \(index + 1) in it is malformed"
        case .tooManyCertificates(let limit): "holds more than \(limit) certificates"
        case .noPrivateKey: "holds no usable PEM private key (PKCS#8, PKCS#1 or SEC1)"
        case .encryptedPrivateKey: "holds an encrypted private key; decrypt it with `openssl pkey`"
        case .keyDoesNotMatch: "is not the private key of the certificate"
        case .unusable(let reason): "cannot be used: \(reason)"
        }
    }
}
