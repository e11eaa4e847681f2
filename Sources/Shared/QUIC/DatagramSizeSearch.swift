/// How large the datagrams of a connection may be: the search for the path's MTU by the endpoint itself (RFC 9000 §14.3,
/// RFC 8899), for interfaces that carry more than Ethernet's 1,500 bytes.
///
/// ngtcp2 0.12 searches by itself, but stops at ``ethernetBytes``. Above, this struct says when a probe is due and how
/// large; the probe is a DATAGRAM frame (RFC 9221) of nothing, because ngtcp2 tells the fate of those, and a lost one is
/// not sent again.
///
/// ```
///             probe acknowledged: up to its size, next candidate
///            ┌──────────┐
///            ▼          │                last candidate reached,
///   ──▶ searching ──────┘────────────────────────────────────────▶ done
///            ▲                           or a probe lost 3 times     │
///            └───────────────────────────────────────────────────────┘
///               black hole, or another path: back to the minimum
/// ```
struct DatagramSizeSearch {
    /// RFC 9000 §14: a path that does not carry so much carries no QUIC.
    static let minimumBytes = 1200
    /// ngtcp2's largest, for an MTU of 1,500 bytes less the headers of IPv6 and UDP.
    static let ethernetBytes = 1452
    /// Four of them fill one UDP_SEGMENT send. Larger ones save little: a packet's fixed costs are small by then.
    static let largestBytes = DatagramScratch.runBytes / 4
    /// RFC 8899 §5.1.2, MAX_PROBES: so often a probe is lost before its size counts as too large.
    private static let maximumProbes = 3

    /// What may be sent now, in bytes.
    private(set) var datagramBytes: Int
    private let candidates: [Int]
    private var nextCandidate = 0
    private var lostProbes = 0
    private var probe: (number: UInt64, bytes: Int)?
    private var probeCount: UInt64 = 0

    /// - Parameter limit: what the interface takes, in bytes of UDP payload; up to ``ethernetBytes`` there is no search.
    init(limit: Int) {
        let limit = min(limit, Self.largestBytes)
        if limit > Self.ethernetBytes {
            candidates = [Self.ethernetBytes, limit]
            datagramBytes = Self.minimumBytes
        } else {
            candidates = []
            datagramBytes = Self.ethernetBytes
        }
    }

    /// The largest that the search may end with; nil = ngtcp2 searches.
    var limitBytes: Int? { candidates.last }

    /// The size of the probe to send now, if one is due.
    var dueProbeBytes: Int? {
        probe == nil && nextCandidate < candidates.count ? candidates[nextCandidate] : nil
    }

    /// What the next probe has to be numbered.
    var nextProbeNumber: UInt64 { probeCount }

    /// The probe that was due has left as a datagram of `bytes` bytes.
    mutating func sentProbe(bytes: Int) {
        probe = (probeCount, bytes)
        probeCount += 1
    }

    /// The peer has the probe; older probes no longer count.
    mutating func probeAcknowledged(_ number: UInt64) {
        guard let probe, probe.number == number else { return }
        self.probe = nil
        datagramBytes = max(datagramBytes, probe.bytes)
        nextCandidate += 1
        lostProbes = 0
    }

    mutating func probeLost(_ number: UInt64) {
        guard let probe, probe.number == number else { return }
        self.probe = nil
        lostProbes += 1
        if lostProbes == Self.maximumProbes {
            end()
        }
    }

    /// The peer takes no probes, or none so large.
    mutating func end() {
        probe = nil
        nextCandidate = candidates.count
    }

    /// Nothing arrives any more (RFC 8899 §4.3), or the path is another: begins again with what every path carries.
    mutating func restart() {
        guard limitBytes != nil else { return }
        datagramBytes = Self.minimumBytes
        probe = nil
        nextCandidate = 0
        lostProbes = 0
    }
}
