/// Whoever deals with one stream of a connection. Called on the connection's event loop, within a drive.
package protocol StreamConsumer: AnyObject {
    /// Bytes or the end are there: take them with ``QUICConnection/receive(from:)``.
    func streamReadable()
    /// There is room to send again.
    func streamWritable()
    /// The peer abandoned its sending part.
    func streamReset(code: UInt64)
    /// The peer reads no more.
    func streamSendingStopped()
    /// The stream is over; no other call follows.
    func streamClosed(code: UInt64?)
    /// The connection is over; no other call follows.
    func connectionClosed()
}
