import TestSupport
import Testing

/// How much more memory the programs hold than at the start of a measurement.
struct MemoryGrowth {
    /// The address sanitizer keeps up to 256 MB of freed memory by default, and blows up what is live.
    private static let sanitizerAllowance = 512 << 20

    private let programs: [(process: DaemonProcess, inspection: ProcessInspection, baseline: Int, allowance: Int)]

    /// Starts to measure a tunnel's two programs.
    init(of tunnel: Tunnel) throws {
        try self.init(of: [tunnel.listener.process, tunnel.connector.process])
    }

    /// Starts to measure these programs.
    init(of processes: [DaemonProcess]) throws {
        programs = try processes.map { process in
            let inspection = ProcessInspection(process)
            let allowance = try inspection.isAddressSanitized() ? Self.sanitizerAllowance : 0
            return (process, inspection, try inspection.residentBytes(), allowance)
        }
    }

    /// Expects that none has grown by more than `limit` bytes.
    func check(atMost limit: Int, sourceLocation: SourceLocation = #_sourceLocation) throws {
        for program in programs {
            let growth = try program.inspection.residentBytes() - program.baseline
            #expect(
                growth <= limit + program.allowance,
                "\(program.process.name) grew by \(growth) bytes",
                sourceLocation: sourceLocation
            )
        }
    }
}
