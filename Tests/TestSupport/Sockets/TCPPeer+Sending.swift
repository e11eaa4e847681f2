import Glibc

/// Sending: every call is done when the kernel has taken all the bytes.
extension TCPPeer {
    package func send(_ text: String, timeout: Duration = Deadline.patience) throws {
        try send(Array(text.utf8), timeout: timeout)
    }

    package func send(_ bytes: [UInt8], timeout: Duration = Deadline.patience) throws {
        try bytes.withUnsafeBytes { try send($0, until: .after(timeout)) }
    }

    /// Sends a whole pattern; the direction stays open.
    package func send(_ pattern: BytePattern, timeout: Duration) throws {
        let deadline = Deadline.after(timeout)
        var offset = 0
        while offset < pattern.byteCount {
            let chunk = pattern.bytes(at: offset, count: Self.chunkBytes)
            try chunk.withUnsafeBytes { try send($0, until: deadline) }
            offset += chunk.count
        }
    }

    /// Sends on and on until the peer's RST stops it, without reading; throws when none comes in time.
    package func sendUntilReset(timeout: Duration = Deadline.patience) throws {
        let deadline = Deadline.after(timeout)
        let chunk = [UInt8](repeating: UInt8(ascii: "x"), count: 16_384)
        do {
            while true { try chunk.withUnsafeBytes { try send($0, until: deadline) } }
        } catch SocketError.reset {
            return
        }
    }

    /// Sends until the peer takes nothing for `quiet`, and returns how many bytes it took.
    ///
    /// - Parameter limit: a peer that takes as many bytes counts as bottomless: that throws.
    package func sendUntilStalled(quiet: Duration = .seconds(1), limit: Int = 256 << 20) throws -> Int {
        let chunk = [UInt8](repeating: UInt8(ascii: "x"), count: 65_536)
        var sent = 0
        while sent < limit {
            let count = Glibc.send(try socket.number(), chunk, chunk.count, Int32(MSG_NOSIGNAL))
            if count >= 0 {
                sent += count
            } else if errno == EAGAIN {
                guard try socket.wait(for: POLLOUT, until: .after(quiet)) != 0 else { return sent }
            } else if errno != EINTR {
                throw failure(of: "send")
            }
        }
        throw SocketError.malformed("the peer takes more than \(limit) bytes and never stalls")
    }

    private func send(_ bytes: UnsafeRawBufferPointer, until deadline: Deadline) throws {
        var rest = bytes
        while let base = rest.baseAddress, !rest.isEmpty {
            let count = Glibc.send(try socket.number(), base, rest.count, Int32(MSG_NOSIGNAL))
            if count >= 0 {
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            } else if errno == EAGAIN {
                guard try socket.wait(for: POLLOUT, until: deadline) != 0 else {
                    throw SocketError.timedOut("send \(rest.count) more bytes")
                }
            } else if errno != EINTR {
                throw failure(of: "send")
            }
        }
    }
}
