import Foundation

/// The `openssl` command-line tool, which mints every certificate of the tests.
enum OpenSSL {
    /// Runs the tool; throws with its output unless it succeeds.
    static func run(_ arguments: [String]) throws {
        // A configuration file of the machine must not change what is minted.
        try CommandLineTool.run("/usr/bin/openssl", arguments, environment: ["OPENSSL_CONF": "/dev/null"])
    }

    /// The options of `openssl req` for a new key, kept as unencrypted PKCS#8.
    static func newKey(_ key: CertificateRequest.Key, at path: String) -> [String] {
        let kind: [String] =
            switch key {
            case .ecdsaPKCS8, .ecdsaSEC1: ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
            case .rsaPKCS8, .rsaPKCS1: ["-newkey", "rsa:2048"]
            }
        return kind + ["-nodes", "-keyout", path]
    }

    /// Turns a PKCS#8 key file into the older form of its kind: SEC1 for ECDSA, PKCS#1 for RSA.
    static func convertToTraditionalForm(_ keyPath: String) throws {
        // The tool empties the file that it writes to before it reads the other.
        let original = keyPath + ".pkcs8"
        try FileManager.default.moveItem(atPath: keyPath, toPath: original)
        try run(["pkey", "-in", original, "-traditional", "-out", keyPath])
    }
}
