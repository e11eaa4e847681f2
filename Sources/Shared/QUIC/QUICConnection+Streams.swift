internal import CQuic
package import NIOCore

extension QUICConnection {
    /// What ``receive(from:)`` gives: all bytes that arrived since the last call, and whether they are the last.
    package struct ReceivedStreamData: Hashable, Sendable {
        package let bytes: ByteBuffer?
        package let isLast: Bool
    }

    /// Opens a bidirectional stream. The peer learns of it with its first byte.
    package func openStream() throws(QUICError) -> QUICStreamID {
        guard let conn, isActive else { throw .connectionClosed }
        let stream = QUICStream(id: QUICStreamID(-1), window: newStreamWindow)
        var id: Int64 = -1
        let result = ngtcp2_conn_open_bidi_stream(conn, &id, stream.pointer)
        guard result == 0 else {
            throw result == NGTCP2_ERR_STREAM_ID_BLOCKED
                ? .streamLimitReached : .library("ngtcp2_conn_open_bidi_stream", result)
        }
        stream.id = QUICStreamID(id)
        streams[stream.id] = stream
        return stream.id
    }

    /// How many more streams the peer lets us open now.
    package var availableStreams: UInt64 {
        guard let conn, isActive else { return 0 }
        return ngtcp2_conn_get_streams_bidi_left(conn)
    }

    /// Queues bytes and, with `finish`, the end of the stream. The bytes are kept, not copied, until the peer has them.
    ///
    /// - Returns: whether the writer may go on; if not, `streamWritable` follows once enough has left.
    ///   An ended or unknown stream swallows the bytes: its events say so.
    @discardableResult
    package func send(_ bytes: ByteBuffer?, finish: Bool, on id: QUICStreamID) -> Bool {
        guard let stream = streams[id], !stream.sendingEnded, !stream.finishQueued, stream.resetAfterDelivery == nil
        else { return true }
        if let bytes {
            changeSendBuffer(of: stream) { $0.append(bytes) }
            let isMessage = SendQueue.hasMessage(in: stream)
            hasQueuedMessage = hasQueuedMessage || (isMessage && stream.lastWasMessage)
            stream.lastWasMessage = isMessage
        }
        stream.finishQueued = finish
        enqueueForSending(stream)
        if stream.sendBuffer.unsentCostBytes >= settings.sendHighWatermarkBytes {
            stream.writerIsPaused = true
        }
        return !stream.writerIsPaused
    }

    /// Abandons the sending part (RESET_STREAM): what the peer does not have yet may never arrive.
    package func resetStream(_ id: QUICStreamID, code: UInt64) {
        guard let conn, let stream = streams[id], !stream.sendingEnded, isActive else { return }
        endSending(stream)
        frameIsDue = true
        // RFC 9000 §3.1: allowed until every byte and the end are acknowledged; then ngtcp2 does nothing.
        let result = ngtcp2_conn_shutdown_stream_write(conn, id.rawValue, code)
        assert(result == 0 || result == NGTCP2_ERR_STREAM_NOT_FOUND, "shutdown_stream_write: \(result)")
    }

    /// Abandons the sending part (RESET_STREAM) once everything that was queued has reached the peer; at once where the
    /// peer's flow control holds it back.
    package func resetStreamAfterDelivery(_ id: QUICStreamID, code: UInt64) {
        guard let stream = streams[id], !stream.sendingEnded, stream.resetAfterDelivery == nil else { return }
        let isHeldBack = stream.sendBuffer.unsentBytes > 0 && !stream.isInSendQueue
        if stream.sendBuffer.isEverythingAcknowledged || isHeldBack {
            resetStream(id, code: code)
        } else {
            stream.resetAfterDelivery = code
        }
    }

    /// Asks the peer to stop (STOP_SENDING), and drops what still arrives.
    package func stopReceiving(_ id: QUICStreamID, code: UInt64) {
        guard let conn, let stream = streams[id], !stream.receivingEnded, isActive else { return }
        stream.receivingEnded = true
        stream.received = nil
        frameIsDue = true
        let result = ngtcp2_conn_shutdown_stream_read(conn, id.rawValue, code)
        assert(result == 0 || result == NGTCP2_ERR_STREAM_NOT_FOUND, "shutdown_stream_read: \(result)")
        releaseUnconsumed(of: stream)
    }

    /// Takes what arrived on a stream; to be called on `streamReadable`.
    ///
    /// - Returns: nil when the stream is gone or nothing is there. The bytes count against the stream's window until
    ///   ``consume(_:on:)`` gives them back.
    package func receive(from id: QUICStreamID) -> ReceivedStreamData? {
        guard let stream = streams[id] else { return nil }
        stream.isReadableQueued = false
        guard !stream.receivingEnded else { return nil }
        let bytes = stream.received
        stream.received = nil
        stream.lastBatchBytes = min(max(bytes?.readableBytes ?? 0, 2048), 1 << 20)
        return ReceivedStreamData(bytes: bytes, isLast: stream.receivedFinish)
    }

    /// The application is done with `count` bytes of a stream: the peer may send as many more.
    package func consume(_ count: Int, on id: QUICStreamID) {
        guard conn != nil, count > 0, let stream = streams[id] else { return }
        let consumed = min(count, stream.unconsumedBytes)
        stream.unconsumedBytes -= consumed
        release(consumed)
        if stream.consumedBytes == 0, consumed > 0 {
            creditedStreams.append(stream)
        }
        stream.consumedBytes += consumed
        returnConnectionCredit()
    }

    // MARK: Bookkeeping

    var newStreamWindow: StreamWindow {
        StreamWindow(
            byteCount: settings.initialStreamWindowBytes,
            maximumByteCount: settings.maximumStreamWindowBytes
        )
    }

    func enqueueForSending(_ stream: QUICStream) {
        guard !stream.isInSendQueue, stream.hasSomethingToSend else { return }
        sendQueue.append(stream)
    }

    func endSending(_ stream: QUICStream) {
        stream.sendingEnded = true
        changeSendBuffer(of: stream) { $0.discardUnsent() }
    }

    func forget(_ id: QUICStreamID) {
        guard let stream = streams.removeValue(forKey: id) else { return }
        endSending(stream)
        stream.receivingEnded = true
        grownWindowBytes -= stream.window.grownBytes
        releaseUnconsumed(of: stream)
    }

    /// The connection is over.
    func forgetAllStreams() {
        streams.removeAll()
        unsentStorageBytes = 0
    }

    /// Keeps ``unsentStorageBytes`` up to date.
    func changeSendBuffer(of stream: QUICStream, _ change: (inout StreamSendBuffer) -> Void) {
        let before = stream.sendBuffer.unsentStorageBytes
        change(&stream.sendBuffer)
        unsentStorageBytes += stream.sendBuffer.unsentStorageBytes - before
    }

    func performDueResets() {
        while let stream = dueResets.popLast() {
            resetStream(stream.id, code: stream.resetAfterDelivery ?? 0)
        }
    }

    func returnConnectionCredit() {
        guard let conn, connectionCreditDue > 0 else { return }
        ngtcp2_conn_extend_max_offset(conn, UInt64(connectionCreditDue))
        connectionCreditDue = 0
    }

    /// Gives the credit back that readers have earned since the last packets left.
    func returnStreamCredit(now: QUICTime) {
        guard let conn, !creditedStreams.isEmpty else { return }
        for stream in creditedStreams where !stream.receivingEnded {
            let credit = stream.window.credit(
                for: stream.consumedBytes,
                growingAtMost: settings.unconsumedBudgetBytes / 2 - grownWindowBytes,
                now: now,
                roundTrip: smoothedRoundTrip
            )
            grownWindowBytes += credit - stream.consumedBytes
            stream.consumedBytes = 0
            // A stream that ngtcp2 has forgotten needs no credit: the error says just that.
            _ = ngtcp2_conn_extend_max_stream_offset(conn, stream.id.rawValue, UInt64(credit))
        }
        creditedStreams.removeAll(keepingCapacity: true)
    }

    private func releaseUnconsumed(of stream: QUICStream) {
        release(stream.unconsumedBytes)
        stream.unconsumedBytes = 0
        returnConnectionCredit()
    }

    private func release(_ count: Int) {
        unconsumedBytes -= count
        let given = min(connectionCreditWithheld, count)
        connectionCreditWithheld -= given
        connectionCreditDue += given
    }
}
