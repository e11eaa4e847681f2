internal import CQuic

/// Memory in which packets are built before they leave: one for all connections of an event loop.
///
/// It holds a run as large as one UDP_SEGMENT send can be. Confined to one event loop.
package final class DatagramScratch {
    /// The most bytes that one send may carry: a UDP datagram's 16-bit length less the headers.
    static let runBytes = 65_535 - 40 - 8
    /// The most segments that the kernel takes in one send (UDP_MAX_SEGMENTS before Linux 6.9).
    static let runSegments = 64

    let bytes: UnsafeMutablePointer<UInt8>
    let path: UnsafeMutablePointer<ngtcp2_path_storage>
    let runPath: UnsafeMutablePointer<ngtcp2_path_storage>

    package init() {
        bytes = .allocate(capacity: Self.runBytes)
        path = .allocate(capacity: 1)
        runPath = .allocate(capacity: 1)
        ngtcp2_path_storage_zero(path)
        ngtcp2_path_storage_zero(runPath)
    }

    deinit {
        bytes.deallocate()
        path.deallocate()
        runPath.deallocate()
    }

    var pathPointer: UnsafeMutablePointer<ngtcp2_path> {
        UnsafeMutableRawPointer(path).assumingMemoryBound(to: ngtcp2_path.self)
    }

    var runPathPointer: UnsafeMutablePointer<ngtcp2_path> {
        UnsafeMutableRawPointer(runPath).assumingMemoryBound(to: ngtcp2_path.self)
    }
}

@available(*, unavailable)
extension DatagramScratch: Sendable {}
