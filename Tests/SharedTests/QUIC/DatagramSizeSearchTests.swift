import Testing

@testable import Shared

struct DatagramSizeSearchTests {
    @Test(arguments: [1200, 1452])
    func upToEthernetsSizeThereIsNothingToSearch(limit: Int) {
        var search = DatagramSizeSearch(limit: limit)
        #expect(search.limitBytes == nil)
        #expect(search.dueProbeBytes == nil)
        #expect(search.datagramBytes == 1452)
        search.restart()
        #expect(search.datagramBytes == 1452)
    }

    @Test func aProbeAtATimeUpToTheLimit() {
        var search = DatagramSizeSearch(limit: 8952)
        #expect(search.datagramBytes == 1200)
        for bytes in [1452, 8952] {
            #expect(search.dueProbeBytes == bytes)
            let number = search.nextProbeNumber
            search.sentProbe(bytes: bytes - 3)
            #expect(search.dueProbeBytes == nil)
            search.probeAcknowledged(number)
            #expect(search.datagramBytes == bytes - 3)
        }
        #expect(search.dueProbeBytes == nil)
    }

    @Test func fourOfTheLargestFillARun() {
        let search = DatagramSizeSearch(limit: 65_487)
        #expect(search.limitBytes == DatagramScratch.runBytes / 4)
    }

    @Test func whatIsLostThreeTimesIsTooLarge() {
        var search = DatagramSizeSearch(limit: 8952)
        acknowledge(&search)
        for _ in 0..<3 {
            #expect(search.dueProbeBytes == 8952)
            lose(&search)
        }
        #expect(search.dueProbeBytes == nil)
        #expect(search.datagramBytes == 1452)
    }

    @Test func aProbeThatGetsThroughAfterAllCounts() {
        var search = DatagramSizeSearch(limit: 8952)
        acknowledge(&search)
        lose(&search)
        lose(&search)
        acknowledge(&search)
        #expect(search.datagramBytes == 8952)
    }

    @Test func anotherPathBeginsWithWhatEveryPathCarries() {
        var search = DatagramSizeSearch(limit: 8952)
        acknowledge(&search)
        let late = search.nextProbeNumber
        search.sentProbe(bytes: 8952)
        search.restart()
        #expect(search.datagramBytes == 1200)
        #expect(search.dueProbeBytes == 1452)
        search.probeAcknowledged(late)  // by the path before
        #expect(search.datagramBytes == 1200)
    }

    @Test func aPeerWithoutDatagramFramesEndsIt() {
        var search = DatagramSizeSearch(limit: 8952)
        search.end()
        #expect(search.dueProbeBytes == nil)
        #expect(search.datagramBytes == 1200)
    }

    private func acknowledge(_ search: inout DatagramSizeSearch) {
        let number = search.nextProbeNumber
        search.sentProbe(bytes: search.dueProbeBytes ?? 0)
        search.probeAcknowledged(number)
    }

    private func lose(_ search: inout DatagramSizeSearch) {
        let number = search.nextProbeNumber
        search.sentProbe(bytes: search.dueProbeBytes ?? 0)
        search.probeLost(number)
    }
}
