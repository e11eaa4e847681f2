/// What is spoken over a connection, by its name in ALPN (RFC 7301): docs/wire-protocol.md describes both.
package enum ApplicationProtocol: String, Sendable, CaseIterable {
    /// Ours: frames on a control stream and ahead of each relay.
    case warp = "warp/1"
    /// The original's: a header ahead of each relay, and nothing else.
    case original = "hq-29"
}
