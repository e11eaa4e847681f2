import Shared
import Testing

@testable import Listener

@Suite("ForwardMeter")
struct ForwardMeterTests {
    @Test func relaysAndBytesAreCounted() {
        let meter = ForwardMeter()
        #expect(meter.reading == ForwardMeter.Reading())
        meter.relayOpened()
        meter.relayOpened()
        meter.carried(toTarget: 3)
        meter.carried(toTarget: 0)
        meter.carried(fromTarget: 1 << 40)
        meter.carried(fromTarget: 1)
        meter.relayClosed()
        #expect(meter.reading.openRelays == 1)
        #expect(meter.reading.bytesToTarget == 3)
        #expect(meter.reading.bytesFromTarget == (1 << 40) + 1)
        #expect(meter.reading.lastDialFailure == nil)
    }

    @Test func lastDialFailureIsKeptInOneSafeLineOfBoundedLength() throws {
        let meter = ForwardMeter()
        meter.dialFailed(status: .refused, detail: "first", at: 1)
        meter.dialFailed(status: .timedOut, detail: "a\nb\u{202E}" + String(repeating: "c", count: 1000), at: 2)
        meter.relayOpened()
        let failure = try #require(meter.reading.lastDialFailure)
        #expect(failure.status == .timedOut)
        #expect(failure.at == 2)
        #expect(failure.detail.hasPrefix("a\u{FFFD}b\u{FFFD}ccc"))
        #expect(failure.detail.utf8.count == ForwardMeter.maxDetailBytes)
        #expect(failure.detail.hasSuffix("c…"))
    }
}
