/// Sends a pattern and a FIN from one end of a relay to the other, and checks that exactly that arrives.
///
/// Sending and receiving run at once. The other direction is left alone, so two transfers may cross.
package func transfer(
    _ pattern: BytePattern,
    from sender: TCPPeer,
    to receiver: TCPPeer,
    timeout: Duration = Deadline.patience
) async throws {
    async let sent: Void = {
        try sender.send(pattern, timeout: timeout)
        try sender.finish()
    }()
    do {
        try receiver.receive(pattern, timeout: timeout)
        let rest = try receiver.receiveToEnd(timeout: timeout)
        guard rest == Received("", .finished) else {
            throw SocketError.malformed("after the \(pattern.byteCount) bytes came \(rest) and not a FIN")
        }
    } catch {
        // Why the receiver failed is the news, not that the sender waits for it.
        sender.abandon()
        throw error
    }
    try await sent
}
