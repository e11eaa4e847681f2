internal import Glibc
internal import NIOCore

/// The socket of a TCP channel, for the calls that SwiftNIO makes cost more than the kernel does.
///
/// SwiftNIO owns the descriptor. It closes it and makes the channel inactive in one go, before any of our code runs: the
/// descriptor number of an active channel leads to its socket. Confined to the channel's event loop.
struct RelaySocket {
    private static let firstBytes = 2048

    private let channel: any Channel
    private let descriptor: CInt

    /// - Returns: nil when the channel is not one of a socket, or is closed.
    init?(_ channel: any Channel) {
        // SwiftNIO's own way for this, `withUnsafeTransportIfAvailable(of: CInt.self)`, asks the runtime for a type with an
        // argument, each time anew: 14,000 instructions, more than a small write.
        guard let core = channel._channelCore as? any NIOTransportAccessibleChannelCore,
            let descriptor = core.descriptor
        else { return nil }
        self.channel = channel
        self.descriptor = descriptor
    }

    /// Reads what has come by now: SwiftNIO would wait for the selector to say so. The end of the stream stays for
    /// SwiftNIO to find. To be called before anything was read.
    ///
    /// - Returns: as many bytes as SwiftNIO reads at first, or fewer; nil when there are none.
    /// - Throws: `IOError`, which the kernel reports once: SwiftNIO would take what is left for the end of the stream.
    func takeFirstBytes() throws -> ByteBuffer? {
        guard channel.isActive else { return nil }
        return try withUnsafeTemporaryAllocation(byteCount: Self.firstBytes, alignment: 1) { space in
            let count = recv(descriptor, space.baseAddress, space.count, CInt(MSG_DONTWAIT))
            guard count >= 0 || errno == EAGAIN || errno == EINTR else {
                throw IOError(errnoCode: errno, reason: "recv")
            }
            guard count > 0 else { return nil }
            return channel.allocator.buffer(bytes: UnsafeRawBufferPointer(rebasing: space[..<count]))
        }
    }

    /// Writes what the kernel takes at once. SwiftNIO must have nothing left to write.
    ///
    /// - Returns: how many bytes it took; none when there is no room, or an error. SwiftNIO meets that in its own write of
    ///   the rest, a reset as EPIPE, and waits or closes the channel.
    func write(_ bytes: ByteBuffer) -> Int {
        guard channel.isActive else { return 0 }
        return bytes.withUnsafeReadableBytes { bytes in
            max(0, send(descriptor, bytes.baseAddress, bytes.count, CInt(MSG_DONTWAIT | MSG_NOSIGNAL)))
        }
    }

    /// As ``Channel/setAborts(_:)``.
    func setAborts(_ aborts: Bool) {
        guard channel.isActive else { return }
        linger.set(aborts: aborts, on: descriptor)
    }
}

extension NIOTransportAccessibleChannelCore {
    fileprivate var descriptor: CInt? {
        try? withUnsafeTransport { $0 as? CInt }
    }
}

@available(*, unavailable)
extension RelaySocket: Sendable {}
