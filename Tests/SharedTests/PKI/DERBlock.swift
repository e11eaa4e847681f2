import Foundation

/// Takes the bytes out of a PEM file without the code under test.
enum DERBlock {
    /// The first block's bytes; none when there is no block.
    static func first(in pem: [UInt8]) -> [UInt8] {
        all(in: pem).first ?? []
    }

    /// Each block's bytes.
    static func all(in pem: [UInt8]) -> [[UInt8]] {
        String(decoding: pem, as: UTF8.self).components(separatedBy: "-----BEGIN ").dropFirst().map { block in
            let lines = block.split(separator: "\n").dropFirst().prefix { !$0.hasPrefix("-----END") }
            return Data(base64Encoded: lines.joined()).map { Array($0) } ?? []
        }
    }
}
