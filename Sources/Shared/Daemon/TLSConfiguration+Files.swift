internal import Glibc

extension TLSConfiguration {
    /// A program's TLS identity from its PEM files, judged by the system's clock.
    ///
    /// - Throws: ``SettingError`` naming the file that cannot be used.
    package init(
        certificate: ReadableFile,
        privateKey: ReadableFile,
        authorities: ReadableFile,
        expectation: PeerExpectation
    ) throws(SettingError) {
        let files = try TLSFiles(certificate: certificate, privateKey: privateKey, authorities: authorities)
        self.init(
            credentials: files.credentials,
            anchors: files.anchors,
            expectation: expectation,
            wallClock: { Int64(time(nil)) }
        )
    }
}
