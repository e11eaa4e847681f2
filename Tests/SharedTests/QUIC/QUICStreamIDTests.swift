import Testing

@testable import Shared

@Suite("QUICStreamID")
struct QUICStreamIDTests {
    // RFC 9000 §2.1, table 1.
    @Test(
        arguments: [
            (0, 0, false, true), (1, 0, true, true), (2, 0, false, false), (3, 0, true, false),
            (4, 1, false, true), (403, 100, true, false), ((1 << 62) - 1, (1 << 60) - 1, true, false),
        ] as [(Int64, Int64, Bool, Bool)]
    )
    func theLowestBitsTellTheKind(_ raw: Int64, _ index: Int64, _ isServerInitiated: Bool, _ isBidirectional: Bool) {
        let id = QUICStreamID(raw)
        #expect(id.index == index)
        #expect(id.isServerInitiated == isServerInitiated)
        #expect(id.isBidirectional == isBidirectional)
        #expect(id.description == "\(raw)")
    }
}
