import Glibc
import Synchronization

/// One end of a TCP connection in the hand of a test: a visitor, or what a target accepted.
///
/// Every call blocks its thread until it is done or its deadline passes, and then throws. Sending and receiving may run
/// on two threads at once; `close()` and `reset()` only when no other call is under way.
package final class TCPPeer: Sendable {
    private static let chunkBytes = 262_144
    private let socket: SocketDescriptor

    /// Connects to a numeric address.
    package init(connectingTo endpoint: HostPort, timeout: Duration = Deadline.patience) throws {
        let address = try SocketAddress(endpoint)
        let socket = try SocketDescriptor(for: address, kind: SOCK_STREAM)
        let number = try socket.number()
        if address.withPointer({ connect(number, $0, $1) }) != 0 {
            guard errno == EINPROGRESS else { throw SocketError.system(call: "connect", errno: errno) }
            guard try socket.wait(for: POLLOUT, until: .after(timeout)) != 0 else {
                throw SocketError.timedOut("connect to \(endpoint)")
            }
            var code: Int32 = 0
            var length = socklen_t(MemoryLayout<Int32>.size)
            getsockopt(number, SOL_SOCKET, SO_ERROR, &code, &length)
            guard code == 0 else { throw SocketError.system(call: "connect", errno: code) }
        }
        self.socket = socket
        try sendWithoutDelay()
    }

    init(adopting socket: SocketDescriptor) throws {
        self.socket = socket
        try sendWithoutDelay()
    }

    /// Ends both directions. As in any program: FIN, or RST if something was received and not read.
    package func close() {
        socket.close()
    }

    /// Aborts the connection: the peer gets an RST.
    package func reset() throws {
        var linger = linger(l_onoff: 1, l_linger: 0)
        let number = try socket.number()
        guard setsockopt(number, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger))) == 0
        else { throw SocketError.system(call: "setsockopt", errno: errno) }
        socket.close()
    }

    /// Ends the direction towards the peer (FIN); the other one goes on.
    package func finish() throws {
        guard shutdown(try socket.number(), Int32(SHUT_WR)) == 0 else { throw SocketError.afterCall("shutdown") }
    }

    /// Ends both directions in a way that also releases another thread's call on this peer, which throws then.
    package func abandon() {
        guard let number = try? socket.number() else { return }
        shutdown(number, Int32(SHUT_RDWR))
    }

    // MARK: Sending

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
                throw SocketError.afterCall("send")
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
                throw SocketError.afterCall("send")
            }
        }
    }

    // MARK: Receiving

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
            if count >= 0 { return count }
            if errno == EAGAIN {
                guard try socket.wait(for: POLLIN, until: deadline) != 0 else {
                    throw SocketError.timedOut("receive")
                }
            } else if errno != EINTR {
                throw SocketError.afterCall("receive")
            }
        }
    }

    private func sendWithoutDelay() throws {
        try socket.setOption(level: Int32(IPPROTO_TCP), TCP_NODELAY, to: 1)
    }
}
