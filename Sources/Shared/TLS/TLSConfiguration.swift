/// Everything that one end brings to a TLS handshake: who it is, whom it trusts, whom it expects.
package struct TLSConfiguration: Sendable {
    package let credentials: TLSCredentials
    package let anchors: TrustAnchors
    package let expectation: PeerExpectation
    /// The wall clock, in seconds since 1970: certificates are judged by it. Passed in, for tests.
    package let wallClock: @Sendable () -> Int64

    package init(
        credentials: TLSCredentials,
        anchors: TrustAnchors,
        expectation: PeerExpectation,
        wallClock: @escaping @Sendable () -> Int64
    ) {
        self.credentials = credentials
        self.anchors = anchors
        self.expectation = expectation
        self.wallClock = wallClock
    }
}
