package import NIOCore

/// What one end of a connection grants the other, and how it behaves: QUIC transport parameters (RFC 9000 §18.2) and
/// local policy in one place.
///
/// What a stalled relay holds, at each end and by these defaults, apart from the kernel's socket buffers: of bytes that TCP
/// does not take, the stream's window, 128 KB unless it was read quickly before; of bytes that the peer does not take, at
/// most 128 KB up to the high watermark and two reads (``ReadAllowance``): a chunk whose last byte waits lies there whole.
/// Bytes that trickle in cost no more: ``WriteGatherer`` gathers them in one direction, and in the other each piece counts
/// as 128 bytes or more.
package struct TransportSettings: Hashable, Sendable {
    /// The application protocols that this end speaks, one or more, the preferred one first. A listener's order decides.
    package var applicationProtocols: [ApplicationProtocol]
    /// Silence after which the connection is over. 0 = never.
    package var idleTimeout: TimeAmount = .seconds(60)
    /// Silence after which we send a PING. nil = never.
    package var keepAlive: TimeAmount? = .seconds(50)
    /// How long a handshake may take.
    package var handshakeTimeout: TimeAmount = .seconds(10)
    /// The round trip that is assumed before one has been measured, above zero: a first packet that is lost is sent again
    /// after three times as long (RFC 9002 §6.2.2, which recommends this default).
    package var initialRoundTrip: TimeAmount = .milliseconds(333)
    /// What the interface to the peer takes, in bytes of UDP payload, 1,200 to 65,487. Above 1,452 the connection searches
    /// for what the path carries, and its congestion controller reckons in packets of this size.
    package var maximumDatagramBytes: Int = 1452
    /// What decides how much this end may have in flight.
    package var congestionController = CongestionController.standard
    /// How many bidirectional streams the peer may have open at once, 0 to 2⁶⁰.
    package var maximumPeerStreams: Int = 0
    /// What the peer may send on one stream before the application has consumed any of it, in bytes. A stalled stream
    /// costs us this much; a stream that is read grows its window up to ``maximumStreamWindowBytes``, and all streams
    /// theirs by half of ``unconsumedBudgetBytes``: some that were fast and stall must not stop the others.
    package var initialStreamWindowBytes: Int = 128 * 1024
    package var maximumStreamWindowBytes: Int = 8 * 1024 * 1024
    /// What the peer may send on all streams together, in bytes. Credit is given back as soon as data has arrived, so
    /// that a stalled stream does not stop the others, until ``unconsumedBudgetBytes`` lie unconsumed.
    package var connectionWindowBytes: Int = 16 * 1024 * 1024
    /// What may lie unconsumed on all streams before the connection's window stops moving, in bytes.
    package var unconsumedBudgetBytes: Int = 64 * 1024 * 1024
    /// The unsent bytes of one stream above which its writer should pause; short pieces count as 128 each.
    package var sendHighWatermarkBytes: Int = 128 * 1024
    /// The unsent bytes of one stream below which its writer may go on.
    package var sendLowWatermarkBytes: Int = 64 * 1024

    package init(applicationProtocols: [ApplicationProtocol]) {
        self.applicationProtocols = applicationProtocols
    }

    /// What an end announces that speaks both protocols, or those of `protocols`: the timers are the original's, until the
    /// protocol is known.
    ///
    /// - Parameter silenceLimit: what ``QUICConnection/setLiveness(keepAlive:silenceLimit:now:)`` will be given: the
    ///   transport must not be less patient.
    package static func tunnel(
        _ protocols: [ApplicationProtocol] = ApplicationProtocol.allCases,
        silenceLimit: TimeAmount
    ) -> TransportSettings {
        var settings = TransportSettings(applicationProtocols: protocols)
        settings.idleTimeout = max(settings.idleTimeout, silenceLimit)
        return settings
    }
}
