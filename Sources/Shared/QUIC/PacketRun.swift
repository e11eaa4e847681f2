internal import CQuic

/// Packets of one size and one path, built one behind the other in the scratch memory: what becomes one send.
///
/// The last packet of a run may be shorter than the others; a longer one, another path or another ECN mark starts the
/// next run (Linux UDP_SEGMENT).
struct PacketRun {
    let scratch: DatagramScratch

    private var start = 0
    private var length = 0
    private var segments = 0
    private var segmentBytes = 0
    private var lastBytes = 0
    private var ecn: UInt8 = 0

    init(scratch: DatagramScratch) {
        self.scratch = scratch
    }

    /// Where the next packet is built.
    var next: UnsafeMutablePointer<UInt8> { scratch.bytes + start + length }

    var roomBytes: Int { DatagramScratch.runBytes - start - length }

    /// Whether nothing can follow.
    var isComplete: Bool { segments == DatagramScratch.runSegments || (segments > 0 && lastBytes < segmentBytes) }

    /// Whether the packet that was just built at ``next`` can join.
    func accepts(packetBytes: Int, ecn: UInt8) -> Bool {
        segments == 0
            || (packetBytes <= segmentBytes && ecn == self.ecn
                && ngtcp2_path_eq(scratch.pathPointer, scratch.runPathPointer) != 0)
    }

    mutating func append(packetBytes: Int, ecn: UInt8) {
        if segments == 0 {
            segmentBytes = packetBytes
            self.ecn = ecn
            ngtcp2_path_copy(scratch.runPathPointer, scratch.pathPointer)
        }
        length += packetBytes
        lastBytes = packetBytes
        segments += 1
    }

    /// Ends the run. A packet that was built at ``next`` and did not join stays where it is, as the next run's first.
    mutating func take() -> (bytes: UnsafeRawBufferPointer, segmentBytes: Int, ecn: UInt8)? {
        guard segments > 0 else { return nil }
        let run = (UnsafeRawBufferPointer(start: scratch.bytes + start, count: length), segmentBytes, ecn)
        start += length
        length = 0
        segments = 0
        return run
    }

    /// Starts again at the beginning of the memory. Only after ``take()``, with nothing built at ``next``.
    mutating func rewind() {
        assert(segments == 0, "a run is lost")
        start = 0
    }
}
