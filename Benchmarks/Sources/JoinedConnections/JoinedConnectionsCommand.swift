import ArgumentParser
import Shared

/// Measures two connections in memory. The last line of the output is JSON.
@main
struct JoinedConnectionsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "joined-connections",
        abstract: "Measures what two QUIC connections, joined in memory without sockets, spend on a transfer."
    )

    @Option(help: "Streams that share the transfer.")
    var streams = 1

    @Option(help: "What is transferred, in MB (10⁶ bytes).")
    var megabytes = 1000

    @Option(help: "What is transferred before anything is measured, in MB: for the path's MTU and the windows to grow.")
    var warmUp = 10

    @Option(help: "The congestion controller of both ends.")
    var controller = CongestionController.standard

    @Option(help: "Of what the connections draw by chance.")
    var seed: UInt64 = 1

    func validate() throws {
        guard streams > 0, megabytes > 0, warmUp >= 0 else {
            throw ValidationError("--streams and --megabytes take numbers above zero.")
        }
    }

    func run() throws {
        MemoryKeeper.keepFreedMemory()
        let pair = try JoinedConnections(streamCount: streams, controller: controller, seed: seed)
        let ids = try (0..<streams).map { _ in try pair.client.openStream() }
        try pair.carry(warmUp * 1_000_000, on: ids)

        var transfer = Result<Int, any Error>.success(0)
        let cost = Measurement { transfer = Result { try pair.carry(megabytes * 1_000_000, on: ids) } }
        let gigabytes = Double(try transfer.get()) / 1e9
        let members: [(String, any CustomStringConvertible)] = [
            ("streams", streams),
            ("megabytes", gigabytes * 1000),
            ("datagram_bytes", pair.client.largestDatagram),
            ("cpu_seconds_per_gigabyte", cost.cpuSeconds / gigabytes),
            ("gigabytes_per_cpu_second", gigabytes / cost.cpuSeconds),
            ("allocations_per_gigabyte", Double(cost.allocations) / gigabytes),
        ]
        print("{" + members.map { "\"\($0)\": \($1)" }.joined(separator: ", ") + "}")
    }
}

extension CongestionController: ExpressibleByArgument {}
