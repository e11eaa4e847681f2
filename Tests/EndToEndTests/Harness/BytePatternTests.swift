import TestSupport
import Testing

@Suite("BytePattern")
struct BytePatternTests {
    private static let blockBytes = 65_536
    private let pattern = BytePattern(byteCount: 400_000, seed: 42)

    @Test(arguments: [0, 1, 65_535, 65_536, 65_537, 200_000, 399_999])
    func rightBytesMatchAtAnyOffset(offset: Int) {
        #expect(mismatch(in: pattern.bytes(at: offset, count: 100_000), at: offset) == nil)
    }

    @Test(arguments: [0, 1, 65_535, 65_536, 131_072, 250_001])
    func aFlippedByteIsNamedByItsOffset(offset: Int) {
        var bytes = pattern.bytes(at: 0, count: pattern.byteCount)
        bytes[offset] ^= 1
        #expect(mismatch(in: bytes, at: 0) == offset)
    }

    @Test(arguments: [1, blockBytes, 2 * blockBytes])
    func lostBytesShow(count: Int) {
        let bytes = pattern.bytes(at: count, count: 1000)
        #expect(mismatch(in: bytes, at: 0) != nil)
    }

    @Test func anotherSeedShows() {
        let other = BytePattern(byteCount: 1000, seed: 43)
        #expect(mismatch(in: other.bytes(at: 0, count: 1000), at: 0) != nil)
    }

    @Test func thePatternEndsWhereItSays() {
        #expect(pattern.bytes(at: 399_990, count: 100).count == 10)
    }

    private func mismatch(in bytes: [UInt8], at offset: Int) -> Int? {
        bytes.withUnsafeBytes { pattern.firstMismatch(in: $0, at: offset) }
    }
}
