extension CloseFrame {
    /// Whether this is a TLS alert that refuses a certificate (RFC 8446 §6.2).
    package var refusesCertificate: Bool {
        switch tlsAlert {
        case TLSAlert.badCertificate, TLSAlert.unsupportedCertificate, TLSAlert.certificateRevoked,
            TLSAlert.certificateExpired, TLSAlert.certificateUnknown, TLSAlert.unknownCA,
            TLSAlert.certificateRequired:
            true
        default:
            false
        }
    }
}
