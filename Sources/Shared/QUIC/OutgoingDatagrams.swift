package import Glibc

/// A run of datagrams of one size for one path: what one `sendmsg` with UDP_SEGMENT takes.
///
/// Borrowed: every pointer is valid only in the closure that receives the value.
package struct OutgoingDatagrams {
    /// The datagrams, one behind the other.
    package let bytes: UnsafeRawBufferPointer
    /// The size of each datagram in bytes; the last one may be shorter.
    package let segmentBytes: Int
    /// The two ECN bits for the IP header (RFC 3168), 0 to 3.
    package let ecn: UInt8
    /// The peer's address.
    package let remote: UnsafePointer<sockaddr>
    package let remoteLength: socklen_t
    /// The address to send from; a wildcard leaves the choice to the kernel.
    package let local: UnsafePointer<sockaddr>

    /// The datagrams one by one.
    package var datagrams: DatagramRun { DatagramRun(bytes, segmentBytes: segmentBytes) }
}

@available(*, unavailable)
extension OutgoingDatagrams: Sendable {}
