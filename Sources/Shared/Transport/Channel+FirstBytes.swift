internal import Glibc
internal import NIOCore

extension Channel {
    /// Reads what has come by now, past SwiftNIO, which would wait for the selector to say so. The end of the stream stays
    /// for SwiftNIO to find. Must be called on the channel's event loop, before anything was read.
    ///
    /// - Returns: as many bytes as SwiftNIO reads at first, or fewer; nil when there are none, or no socket.
    /// - Throws: `IOError`, which the kernel reports once: SwiftNIO would take what is left for the end of the stream.
    func takeFirstBytes() throws -> ByteBuffer? {
        try pipeline.syncOperations.withUnsafeTransportIfAvailable(of: CInt.self) { descriptor in
            try withUnsafeTemporaryAllocation(byteCount: 2048, alignment: 1) { space in
                let count = recv(descriptor, space.baseAddress, space.count, CInt(MSG_DONTWAIT))
                guard count >= 0 || errno == EAGAIN || errno == EINTR else {
                    throw IOError(errnoCode: errno, reason: "recv")
                }
                return count > 0 ? allocator.buffer(bytes: UnsafeRawBufferPointer(rebasing: space[..<count])) : nil
            }
        } ?? nil
    }
}
