internal import CDatagram
internal import Glibc
internal import NIOCore

/// Sends runs of datagrams on a socket that a channel reads. One for each socket; confined to its event loop.
///
/// One datagram that cannot be routed is a lost packet to QUIC, never the end of the socket. When the socket is full, up to
/// ``maximumQueuedRuns`` runs wait for it, and connections pause until they have left.
final class DatagramSender {
    private struct QueuedRun {
        let bytes: [UInt8]
        let segmentBytes: Int
        let ecn: UInt8
        let remote: sockaddr_storage
        let remoteLength: socklen_t
        let local: sockaddr_storage
    }

    /// Beyond these, runs are dropped like packets on a congested link.
    private static let maximumQueuedRuns = 64
    private static let retryDelay = TimeAmount.milliseconds(1)

    private let descriptor: CInt
    private let eventLoop: any EventLoop
    private var queue = CircularBuffer<QueuedRun>()
    private var unblocked: [() -> Void] = []
    private var isRetryScheduled = false
    private var isClosed = false
    /// Whether the device cuts runs itself; turned off where the kernel says that it cannot.
    private var usesSegmentation = true

    init(descriptor: CInt, eventLoop: any EventLoop) {
        self.descriptor = descriptor
        self.eventLoop = eventLoop
    }

    /// Whether the socket is full: whoever has more to send should ask ``whenUnblocked(_:)``.
    var isBlocked: Bool { !queue.isEmpty }

    /// Calls `body` once, when the socket takes datagrams again.
    func whenUnblocked(_ body: @escaping () -> Void) {
        unblocked.append(body)
    }

    /// The channel is gone, and its descriptor may soon be somebody else's.
    func close() {
        isClosed = true
        queue.removeAll()
        unblocked.removeAll()
    }

    func send(_ datagrams: OutgoingDatagrams) -> SendOutcome {
        guard !isClosed else { return .sent }
        guard queue.isEmpty else {
            enqueue(datagrams)
            return .blocked
        }
        switch transmit(datagrams) {
        case EAGAIN:
            enqueue(datagrams)
            scheduleRetry()
            return .blocked
        default:
            return .sent
        }
    }

    /// Sends one datagram to `path`'s peer, outside of any connection.
    func send(_ datagram: [UInt8], path: NetworkPath) {
        datagram.withUnsafeBytes { bytes in
            path.local.withSockAddr { local, _ in
                path.remote.withSockAddr { remote, length in
                    let run = OutgoingDatagrams(
                        bytes: bytes,
                        segmentBytes: bytes.count,
                        ecn: 0,
                        remote: remote,
                        remoteLength: socklen_t(length),
                        local: local
                    )
                    _ = send(run)
                }
            }
        }
    }

    private func transmit(_ run: OutgoingDatagrams) -> CInt {
        guard run.segmentBytes < run.bytes.count else {
            return transmit(run, run.bytes, segmentBytes: 0)
        }
        if usesSegmentation {
            let result = transmit(run, run.bytes, segmentBytes: run.segmentBytes)
            switch result {
            case EIO:  // the device computes no checksums: the kernel says so once
                usesSegmentation = false
            case EINVAL:  // a path with an MTU below the segments: only the kernel's cache knows
                break
            default:
                return result
            }
        }
        for (index, datagram) in run.datagrams.enumerated() {
            let result = transmit(run, datagram, segmentBytes: 0)
            if result == EAGAIN {
                return index == 0 ? result : 0  // the rest is lost, as on any full queue
            }
        }
        return 0
    }

    private func transmit(_ run: OutgoingDatagrams, _ bytes: UnsafeRawBufferPointer, segmentBytes: Int) -> CInt {
        warp_datagram_send(
            descriptor,
            run.remote,
            run.remoteLength,
            run.local,
            bytes.baseAddress,
            bytes.count,
            UInt16(segmentBytes),
            run.ecn
        )
    }

    // MARK: A full socket

    private func enqueue(_ run: OutgoingDatagrams) {
        guard queue.count < Self.maximumQueuedRuns else { return }
        queue.append(
            QueuedRun(
                bytes: Array(run.bytes),
                segmentBytes: run.segmentBytes,
                ecn: run.ecn,
                remote: Self.copy(run.remote, run.remoteLength),
                remoteLength: run.remoteLength,
                local: Self.copy(run.local, run.remoteLength)
            )
        )
    }

    private func scheduleRetry() {
        guard !isRetryScheduled else { return }
        isRetryScheduled = true
        eventLoop.assumeIsolated().scheduleTask(in: Self.retryDelay) { self.retry() }
    }

    private func retry() {
        isRetryScheduled = false
        while !isClosed, let first = queue.first {
            let result = first.bytes.withUnsafeBytes { bytes in
                withUnsafePointer(to: first.remote) { remote in
                    withUnsafePointer(to: first.local) { local in
                        transmit(
                            OutgoingDatagrams(
                                bytes: bytes,
                                segmentBytes: first.segmentBytes,
                                ecn: first.ecn,
                                remote: UnsafeRawPointer(remote).assumingMemoryBound(to: sockaddr.self),
                                remoteLength: first.remoteLength,
                                local: UnsafeRawPointer(local).assumingMemoryBound(to: sockaddr.self)
                            )
                        )
                    }
                }
            }
            guard result != EAGAIN else {
                scheduleRetry()
                return
            }
            queue.removeFirst()
        }
        let waiting = unblocked
        unblocked.removeAll()
        waiting.forEach { $0() }
    }

    // Both addresses of a path are of one family, and so of one length.
    private static func copy(_ address: UnsafePointer<sockaddr>, _ length: socklen_t) -> sockaddr_storage {
        var storage = sockaddr_storage()
        withUnsafeMutableBytes(of: &storage) {
            $0.copyMemory(from: UnsafeRawBufferPointer(start: address, count: Int(length)))
        }
        return storage
    }
}

@available(*, unavailable)
extension DatagramSender: Sendable {}
