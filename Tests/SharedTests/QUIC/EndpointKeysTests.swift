import NIOCore
import TestSupport
import Testing

@testable import Shared

@Suite("EndpointKeys")
struct EndpointKeysTests {
    private let keys = EndpointKeys(random: RandomSource(SplitMix64(state: 1)))

    @Test func newKeysDiffer() {
        #expect(keys.statelessReset.key != keys.retryToken)
        #expect(keys != EndpointKeys(random: RandomSource(SplitMix64(state: 2))))
    }

    @Test(arguments: [0, 31, 33])
    func storedKeysAreTakenWithTheirLengthOnly(count: Int) {
        let stored = EndpointKeys(storedStatelessReset: keys.statelessReset.key, retryToken: keys.retryToken)
        #expect(stored == keys)
        let other = [UInt8](repeating: 1, count: count)
        #expect(EndpointKeys(storedStatelessReset: other, retryToken: keys.retryToken) == nil)
        #expect(EndpointKeys(storedStatelessReset: keys.statelessReset.key, retryToken: other) == nil)
    }

    @Test func noDescriptionShowsAKey() {
        var dumped = ""
        dump(keys, to: &dumped)
        dump(keys.statelessReset, to: &dumped)
        for text in [dumped, "\(keys)", String(reflecting: keys), "\(keys.statelessReset)"] {
            #expect(!text.contains("\(keys.statelessReset.key[0])"))
            #expect(!text.contains("\(keys.retryToken[0])"))
        }
    }

    @Test func aRetryTokenIsKnownToTheNextRunWithTheSameKey() throws {
        let path = try NetworkPath(
            local: NIOCore.SocketAddress(ipAddress: "127.0.0.1", port: 1),
            remote: NIOCore.SocketAddress(ipAddress: "127.0.0.2", port: 2)
        )
        let random = RandomSource(SplitMix64(state: 3))
        let (retryID, originalID) = (random.connectionID(), random.connectionID())
        let now = QUICTime(nanoseconds: 1_000_000_000)
        let token = try #require(
            RetryTokens(key: keys.retryToken).make(path: path, retryID: retryID, originalID: originalID, now: now)
        )
        let found = { (key: [UInt8]) in
            token.withUnsafeBufferPointer {
                RetryTokens(key: key).originalID(from: $0, path: path, destinationID: retryID, now: now)
            }
        }
        #expect(found(keys.retryToken) == originalID)
        #expect(found(keys.statelessReset.key) == nil)
    }
}
