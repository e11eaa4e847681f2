import Glibc
import Synchronization

/// Receiving: every call is done when the bytes that it wants have come.
extension TCPPeer {
    /// The next bytes, at least one unless the peer has finished: then none.
    package func receive(atMost count: Int = chunkBytes, timeout: Duration = Deadline.patience) throws -> [UInt8] {
        let deadline = Deadline.after(timeout)
        return try [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            initialized = try receive(into: UnsafeMutableRawBufferPointer(buffer), until: deadline)
        }
    }

    /// Exactly `count` bytes.
    package func receive(exactly count: Int, timeout: Duration = Deadline.patience) throws -> [UInt8] {
        let deadline = Deadline.after(timeout)
        return try [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            while initialized < count {
                let rest = UnsafeMutableRawBufferPointer(
                    rebasing: UnsafeMutableRawBufferPointer(buffer)[initialized...]
                )
                let received = try receive(into: rest, until: deadline)
                guard received > 0 else { throw SocketError.endedEarly(received: initialized, expected: count) }
                initialized += received
            }
        }
    }

    /// Exactly the bytes of `pattern`, compared as they come.
    package func receive(_ pattern: BytePattern, timeout: Duration) throws {
        let deadline = Deadline.after(timeout)
        var offset = 0
        let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.chunkBytes, alignment: 16)
        defer { chunk.deallocate() }
        while offset < pattern.byteCount {
            let space = UnsafeMutableRawBufferPointer(rebasing: chunk[..<min(chunk.count, pattern.byteCount - offset)])
            let count = try receive(into: space, until: deadline)
            guard count > 0 else { throw SocketError.endedEarly(received: offset, expected: pattern.byteCount) }
            let received = UnsafeRawBufferPointer(rebasing: space[..<count])
            if let wrong = pattern.firstMismatch(in: received, at: offset) {
                throw SocketError.corrupted(offset: wrong)
            }
            offset += count
        }
    }

    /// All that comes until the peer ends its direction, and how it does.
    ///
    /// - Parameter limit: the most bytes that are waited for; more of them throw, so that an endless peer cannot fill memory.
    package func receiveToEnd(atMost limit: Int = 64 << 20, timeout: Duration = Deadline.patience) throws -> Received {
        let deadline = Deadline.after(timeout)
        var bytes: [UInt8] = []
        while bytes.count <= limit {
            do {
                let more = try receive(timeout: deadline.remaining)
                if more.isEmpty { return Received(bytes, .finished) }
                bytes += more
            } catch SocketError.reset {
                return Received(bytes, .reset)
            }
        }
        throw SocketError.malformed("more than \(limit) bytes and no end")
    }

    private func receive(into buffer: UnsafeMutableRawBufferPointer, until deadline: Deadline) throws -> Int {
        while true {
            let count = recv(try socket.number(), buffer.baseAddress, buffer.count, 0)
            if count > 0 { return count }
            if count == 0 {
                guard !sawReset.load(ordering: .relaxed) else { throw SocketError.reset("receive") }
                return 0
            }
            if errno == EAGAIN {
                guard try socket.wait(for: POLLIN, until: deadline) != 0 else {
                    throw SocketError.timedOut("receive")
                }
            } else if errno != EINTR {
                throw failure(of: "receive")
            }
        }
    }
}
