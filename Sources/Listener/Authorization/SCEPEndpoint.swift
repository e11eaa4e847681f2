import FoundationEssentials
package import Shared

/// The URL at which a SCEP server says whom a client certificate belongs to: http or https, with a host.
package struct SCEPEndpoint: Hashable, Sendable {
    package let url: String

    /// - Throws: ``SettingError`` when the text is not such a URL.
    package init(_ setting: RawSetting) throws(SettingError) {
        let remedy = "use a URL such as http://127.0.0.1:3000/api/cert/verify"
        guard let parsed = URL(string: setting.text), setting.text.utf8.allSatisfy({ 0x21...0x7E ~= $0 }) else {
            throw setting.error("is not a URL", remedy: remedy)
        }
        switch parsed.scheme?.lowercased() {
        case "http", "https": break
        default: throw setting.error("does not begin with http:// or https://", remedy: remedy)
        }
        guard parsed.host()?.isEmpty == false else {
            throw setting.error("has no host", remedy: remedy)
        }
        guard parsed.port.map({ 1...65_535 ~= $0 }) ?? true else {
            throw setting.error("has a port out of range", remedy: remedy)
        }
        url = setting.text
    }
}
