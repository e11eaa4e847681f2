import Foundation
import Testing

@testable import Shared

@Suite struct MemoryKeeperTests {
    @Test func theProgramGoesOnWithFewerOfItsPagesResident() throws {
        let before = try residentFilePages()
        MemoryKeeper().look()
        #expect(try residentFilePages() < before)
    }

    // proc_pid_statm(5): size, resident, shared …, in pages.
    private func residentFilePages() throws -> Int {
        let statistics = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
        let fields = statistics.split(separator: " ")
        return try #require(Int(fields[2]))
    }
}
