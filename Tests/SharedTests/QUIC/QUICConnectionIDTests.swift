import TestSupport
import Testing

@testable import Shared

@Suite("QUICConnectionID")
struct QUICConnectionIDTests {
    @Test(arguments: 0...20)
    func keepsItsBytes(count: Int) throws {
        let bytes = (0..<count).map { UInt8(0xe0 + $0) }
        let id = try #require(QUICConnectionID(bytes))
        #expect(id.count == count)
        #expect(id.bytes == bytes)
        #expect(bytes.withUnsafeBytes { QUICConnectionID($0) } == id)
        #expect(id.withNGTCP2 { QUICConnectionID($0) } == id)
    }

    @Test func moreThanTwentyBytesAreNone() {
        #expect(QUICConnectionID([UInt8](repeating: 1, count: 21)) == nil)
        #expect([UInt8](repeating: 1, count: 21).withUnsafeBytes { QUICConnectionID($0) } == nil)
    }

    @Test func trailingZeroesCount() {
        let ids = (0...20).map { QUICConnectionID([UInt8](repeating: 0, count: $0)) }
        #expect(Set(ids).count == 21)
    }

    @Test(arguments: 0..<20)
    func everyByteCounts(index: Int) {
        var bytes = [UInt8](repeating: 7, count: 20)
        let before = QUICConnectionID(bytes)
        bytes[index] = 8
        #expect(QUICConnectionID(bytes) != before)
    }

    @Test func isWrittenAsHexadecimal() {
        #expect(QUICConnectionID([0x00, 0x0f, 0xa0])?.description == "000fa0")
        #expect(QUICConnectionID([])?.description == "")
    }
}
