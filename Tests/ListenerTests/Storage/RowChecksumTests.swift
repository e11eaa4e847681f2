import Testing

@testable import Listener

@Suite("RowChecksum")
struct RowChecksumTests {
    /// Computed by zlib's `crc32` over the bytes that the documentation names.
    @Test func isTheCRC32ThatOtherProgramsCompute() {
        var checksum = RowChecksum(table: "forwards")
        checksum.add(8022)
        checksum.add("example")
        checksum.add([0x00, 0xff])
        checksum.add(-1)
        #expect(checksum.value == 0xb725618b)
    }

    @Test func rowsWhoseColumnsAreCutElsewhereDiffer() {
        var first = RowChecksum(table: "keys")
        first.add("ab")
        first.add("c")
        var second = RowChecksum(table: "keys")
        second.add("a")
        second.add("bc")
        #expect(first.value != second.value)
    }
}
