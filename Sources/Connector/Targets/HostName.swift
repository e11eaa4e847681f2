/// A host name in the form in which names are compared: letters of ASCII in lower case, no dot at the end.
///
/// Only those letters have no case to name servers (RFC 4343); any other that looks or folds alike is another name.
struct HostName: Hashable, Sendable {
    let bytes: [UInt8]

    init(_ text: some StringProtocol) {
        var bytes = text.utf8.map { byte in
            UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte ? byte | 0x20 : byte
        }
        if bytes.last == UInt8(ascii: ".") {
            bytes.removeLast()
        }
        self.bytes = bytes
    }
}
