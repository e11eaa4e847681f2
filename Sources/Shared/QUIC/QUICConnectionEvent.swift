/// What happened on a connection, in the order in which it happened. Small: data stays with its stream until asked for.
package enum QUICConnectionEvent: Hashable, Sendable {
    /// TLS is done and the peer's certificate is verified. At a client this does not mean that the server accepted ours.
    case handshakeCompleted
    /// Both ends know that the handshake is done (RFC 9001 §4.1.2).
    case handshakeConfirmed
    /// The peer opened a stream.
    case streamOpened(QUICStreamID)
    /// ``QUICConnection/receive(from:)`` has data, or the end of the stream, to give.
    case streamReadable(QUICStreamID)
    /// Less than the low watermark of data waits to be sent: go on.
    case streamWritable(QUICStreamID)
    /// The peer abandoned its sending part (RESET_STREAM); what was not read is lost.
    case streamReset(QUICStreamID, code: UInt64)
    /// The peer reads no more (STOP_SENDING): what we would send is lost.
    case streamSendingStopped(QUICStreamID)
    /// Both parts of the stream are over; the connection forgets it. `code` is the error of a reset or a STOP_SENDING.
    case streamClosed(QUICStreamID, code: UInt64?)
    /// The peer lets us open more streams.
    case streamsAvailable
    /// Packets that carry this ID are for this connection from now on.
    case connectionIDIssued(QUICConnectionID)
    /// Packets that carry this ID are no longer for this connection.
    case connectionIDRetired(QUICConnectionID)
    /// The connection is over; no other event follows. Nothing can be sent, but for the close itself.
    case closed(ConnectionClosure)
}
