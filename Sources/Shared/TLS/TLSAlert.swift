/// The TLS alerts that tell why a handshake failed (RFC 8446 §6.2), as far as certificates are concerned.
enum TLSAlert {
    static let badCertificate: UInt8 = 42
    static let unsupportedCertificate: UInt8 = 43
    static let certificateRevoked: UInt8 = 44
    static let certificateExpired: UInt8 = 45
    static let certificateUnknown: UInt8 = 46
    static let unknownCA: UInt8 = 48
    static let certificateRequired: UInt8 = 116
    static let noApplicationProtocol: UInt8 = 120

    /// The name that RFC 8446 gives an alert.
    static func name(of alert: UInt8) -> String {
        switch alert {
        case 40: "handshake_failure"
        case badCertificate: "bad_certificate"
        case unsupportedCertificate: "unsupported_certificate"
        case certificateRevoked: "certificate_revoked"
        case certificateExpired: "certificate_expired"
        case certificateUnknown: "certificate_unknown"
        case 47: "illegal_parameter"
        case unknownCA: "unknown_ca"
        case 49: "access_denied"
        case 50: "decode_error"
        case 51: "decrypt_error"
        case 70: "protocol_version"
        case 71: "insufficient_security"
        case 80: "internal_error"
        case 109: "missing_extension"
        case 112: "unrecognized_name"
        case certificateRequired: "certificate_required"
        case noApplicationProtocol: "no_application_protocol"
        default: String(alert)
        }
    }
}
