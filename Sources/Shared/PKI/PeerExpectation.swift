/// Whom a peer's certificate must name, and what for.
package enum PeerExpectation: Hashable, Sendable {
    /// A connector: a certificate that may be used by TLS clients (RFC 5280 §4.2.1.12).
    case client
    /// The listener: a certificate that may be used by TLS servers, for this name (RFC 9525).
    case server(ServerName)
}
