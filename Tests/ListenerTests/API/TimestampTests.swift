import Testing

@testable import Listener

@Suite("Timestamp")
struct TimestampTests {
    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_763_707_423_004, "2025-11-21T06:43:43.004Z"),
        (1_709_164_800_999, "2024-02-29T00:00:00.999Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
    ])
    func momentsAreWrittenInUTCWithMilliseconds(milliseconds: Int64, text: String) {
        #expect("\(Timestamp(milliseconds))" == text)
    }
}
