/// Takes a pattern off a peer piece by piece, so that its transfer is in progress for as long as a test wants.
package struct PatternReader {
    private let pattern: BytePattern
    private let peer: TCPPeer
    private var offset = 0

    package init(_ pattern: BytePattern, from peer: TCPPeer) {
        self.pattern = pattern
        self.peer = peer
    }

    /// Takes the next `count` bytes, at most as many as there are left, and compares them as they come.
    package mutating func read(_ count: Int, timeout: Duration = Deadline.patience) throws {
        let deadline = Deadline.after(timeout)
        let end = min(offset + count, pattern.byteCount)
        while offset < end {
            let bytes = try peer.receive(atMost: min(TCPPeer.chunkBytes, end - offset), timeout: deadline.remaining)
            guard !bytes.isEmpty else { throw SocketError.endedEarly(received: offset, expected: pattern.byteCount) }
            if let wrong = bytes.withUnsafeBytes({ pattern.firstMismatch(in: $0, at: offset) }) {
                throw SocketError.corrupted(offset: wrong)
            }
            offset += bytes.count
        }
    }

    /// Takes the rest, and the FIN behind it.
    package mutating func readToEnd(timeout: Duration = Deadline.patience) throws {
        try read(pattern.byteCount, timeout: timeout)
        let rest = try peer.receiveToEnd(timeout: timeout)
        guard rest == Received("", .finished) else {
            throw SocketError.malformed("after the \(pattern.byteCount) bytes came \(rest) and not a FIN")
        }
    }
}
