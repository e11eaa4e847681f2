/// The protocols between connector and listener, by their names in settings and logs.
package enum TunnelProtocol: String, Encodable, Sendable, CaseIterable {
    case warp = "warp/1"
    case original = "hq-29"
}
