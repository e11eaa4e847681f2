/// One throw-away authority: its certificate, its key and the little database that `openssl ca` wants.
///
/// `openssl ca` is the one command of OpenSSL 3.0 that sets both dates of a certificate. It keeps a database, so calls
/// on one authority must not overlap; `ThrowAwayPKI` sees to that.
struct CertificateAuthority: Sendable {
    /// PEM with this authority's certificate.
    let certificatePath: String
    private let keyPath: String
    private let configurationPath: String
    private let folder: ScratchFolder

    /// A root authority, signed by itself.
    init(root name: String, key: CertificateRequest.Key) throws {
        self.init(folder: try ScratchFolder("ca"))
        try writeConfiguration()
        try OpenSSL.run(
            ["req", "-x509", "-config", configurationPath, "-days", "30", "-subj", "/CN=\(name)"]
                + ["-extensions", "authority", "-out", certificatePath] + OpenSSL.newKey(key, at: keyPath)
        )
    }

    /// An authority below `issuer`.
    init(intermediate name: String, key: CertificateRequest.Key, issuer: CertificateAuthority) throws {
        self.init(folder: try ScratchFolder("ca"))
        try writeConfiguration()
        let request = folder.file("request.pem")
        try OpenSSL.run(
            ["req", "-new", "-config", configurationPath, "-subj", "/CN=\(name)", "-out", request]
                + OpenSSL.newKey(key, at: keyPath)
        )
        try issuer.sign(request, extensions: "authority", dates: .current, into: certificatePath)
    }

    private init(folder: ScratchFolder) {
        self.folder = folder
        certificatePath = folder.file("ca.pem")
        keyPath = folder.file("ca.key")
        configurationPath = folder.file("openssl.cnf")
    }

    /// Signs a certificate request.
    ///
    /// - Parameter extensions: the section with the extensions: one of the configuration, or of `extensionFile`.
    func sign(
        _ request: String,
        extensions: String,
        extensionFile: String? = nil,
        dates: CertificateRequest.Validity,
        into certificate: String
    ) throws {
        let (start, end) = dates.openSSLDates
        try OpenSSL.run(
            ["ca", "-batch", "-notext", "-config", configurationPath, "-cert", certificatePath, "-keyfile", keyPath]
                + ["-startdate", start, "-enddate", end, "-in", request, "-out", certificate]
                + ["-extensions", extensions] + (extensionFile.map { ["-extfile", $0] } ?? [])
        )
    }

    private func writeConfiguration() throws {
        _ = try folder.write("", to: "index.txt")
        _ = try folder.write("1000", to: "serial.txt")
        _ = try folder.write(
            """
            [ca]
            default_ca = throwaway
            [throwaway]
            database = \(folder.file("index.txt"))
            new_certs_dir = \(folder.path)
            serial = \(folder.file("serial.txt"))
            unique_subject = no
            default_md = sha256
            policy = anything
            [anything]
            commonName = supplied
            [req]
            distinguished_name = empty
            prompt = no
            [empty]
            [authority]
            basicConstraints = critical, CA:TRUE
            keyUsage = critical, keyCertSign, cRLSign
            subjectKeyIdentifier = hash

            """,
            to: "openssl.cnf"
        )
    }
}

extension CertificateRequest.Validity {
    /// Start and end as `openssl ca` takes them. The years are far enough off that no clock of a test machine matters.
    fileprivate var openSSLDates: (start: String, end: String) {
        switch self {
        case .current: ("20200101000000Z", "20491231000000Z")
        case .expired: ("20200101000000Z", "20210101000000Z")
        case .notYetValid: ("20480101000000Z", "20491231000000Z")
        }
    }
}
