import NIOCore

/// What holds for every session of a listener.
struct SessionPolicy: Sendable {
    let authorization: CertificateAuthorization
    /// How often a live session's certificate is asked about again; nil = never.
    let recheckInterval: TimeAmount?
    /// How long a visitor waits for a stream of a connector that grants no more for now.
    let visitorWait: TimeAmount
}
