internal import NIOCore

/// What the connection knows of one stream. Owned by the connection's table; ngtcp2 holds an unretained pointer to it
/// from its opening until its `stream_close` callback.
final class QUICStream {
    var id: QUICStreamID

    // Sending part.
    var sendBuffer = StreamSendBuffer()
    var finishQueued = false
    var finishSent = false
    /// The code of the reset that follows once everything before it is delivered.
    var resetAfterDelivery: UInt64?
    /// The sending part is over: reset by us, or stopped by the peer.
    var sendingEnded = false
    var isInSendQueue = false
    /// What is left of its turn in the ``SendQueue``, in bytes.
    var turnBytesLeft = 0
    /// Whether what it was given last was a message.
    var lastWasMessage = false
    /// Its writer was told that the buffer is above the high watermark, and is owed a `streamWritable`.
    var writerIsPaused = false

    // Receiving part.
    var received: ByteBuffer?
    var receivedFinish = false
    var isReadableQueued = false
    /// The reader asked for no more data.
    var receivingEnded = false
    /// Bytes that arrived and were not consumed: the stream's window stays closed by as many.
    var unconsumedBytes = 0
    /// Bytes that were consumed since the last packets left; their credit goes with the next ones.
    var consumedBytes = 0
    var window: StreamWindow
    /// How much arrived in the last batch: the first guess for the next buffer.
    var lastBatchBytes = 2048

    init(id: QUICStreamID, window: StreamWindow) {
        self.id = id
        self.window = window
    }

    var hasSomethingToSend: Bool {
        !sendingEnded && (sendBuffer.unsentBytes > 0 || (finishQueued && !finishSent))
    }

    static func from(_ pointer: UnsafeMutableRawPointer?) -> QUICStream? {
        pointer.map { Unmanaged<QUICStream>.fromOpaque($0).takeUnretainedValue() }
    }

    var pointer: UnsafeMutableRawPointer {
        Unmanaged.passUnretained(self).toOpaque()
    }
}

@available(*, unavailable)
extension QUICStream: Sendable {}
