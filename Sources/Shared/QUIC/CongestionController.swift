internal import CQuic

/// How a sender finds out what the path takes (RFC 9002 §7): the settings SWL_CONGESTION_CONTROL and congestion_control.
/// Each end chooses for what it sends.
package enum CongestionController: String, Hashable, Sendable, CaseIterable {
    /// CUBIC (RFC 9438): slows down at each loss; fair to TCP as most systems have it.
    case cubic
    /// BBR, version 1 (draft-cardwell-iccrg-bbr-congestion-control-00): follows the measured bandwidth, not losses.
    case bbr
    /// BBR, version 2 (draft-cardwell-iccrg-bbr-congestion-control-02): as version 1, and bounded by heavy losses.
    case bbr2
    /// NewReno (RFC 9002 §7.3): QUIC's own, the plainest.
    case reno

    /// What both programs use unless they are told otherwise. It is nearly as fast as version 1 over a path that loses one
    /// packet in a hundred, where CUBIC and NewReno crawl, and unlike version 1 leaves TCP its share (Benchmarks/README.md).
    package static let standard = CongestionController.bbr2

    /// As ngtcp2 calls it.
    var algorithm: ngtcp2_cc_algo {
        switch self {
        case .cubic: NGTCP2_CC_ALGO_CUBIC
        case .bbr: NGTCP2_CC_ALGO_BBR
        case .bbr2: NGTCP2_CC_ALGO_BBR2
        case .reno: NGTCP2_CC_ALGO_RENO
        }
    }
}
