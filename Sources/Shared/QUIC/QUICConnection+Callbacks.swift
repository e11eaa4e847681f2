internal import CQuic
internal import NIOCore

// ngtcp2 forbids reading, writing and closing inside a callback: each of these only recovers the connection, keeps what
// was lent and appends an event. None of them throws or traps on what a peer sent.
extension QUICConnection {
    static func install(on callbacks: inout ngtcp2_callbacks) {
        callbacks.rand = { destination, count, context in
            guard let destination, let handle = context?.pointee.native_handle else { return }
            let random = Unmanaged<RandomSource>.fromOpaque(handle).takeUnretainedValue()
            random.fill(UnsafeMutableRawBufferPointer(start: destination, count: count))
        }
        callbacks.get_new_connection_id = { _, cid, token, length, user in
            guard let connection = connection(from: user), let cid, let token else {
                return NGTCP2_ERR_CALLBACK_FAILURE
            }
            return connection.issueConnectionID(cid, token: token, length: length)
        }
        callbacks.remove_connection_id = { _, cid, user in
            guard let connection = connection(from: user), let cid else { return NGTCP2_ERR_CALLBACK_FAILURE }
            connection.events.append(.connectionIDRetired(QUICConnectionID(cid)))
            return 0
        }
        callbacks.handshake_completed = { _, user in
            guard let connection = connection(from: user), connection.tls.acceptHandshake() else {
                return NGTCP2_ERR_CALLBACK_FAILURE
            }
            connection.isConfirmed = connection.isServer  // RFC 9001 §4.1.2
            connection.events.append(.handshakeCompleted)
            return 0
        }
        callbacks.handshake_confirmed = { _, user in
            guard let connection = connection(from: user) else { return NGTCP2_ERR_CALLBACK_FAILURE }
            connection.isConfirmed = true
            connection.events.append(.handshakeConfirmed)
            return 0
        }
        callbacks.dcid_status = { _, _, _, _, _, user in
            // A client's first connection ID is in use from then on.
            connection(from: user)?.hasLeftHandshake = true
            return 0
        }
        callbacks.recv_stateless_reset = { _, _, user in
            connection(from: user)?.receivedStatelessReset = true
            return 0
        }
        callbacks.ack_datagram = { _, number, user in
            guard let connection = connection(from: user) else { return NGTCP2_ERR_CALLBACK_FAILURE }
            connection.sizeSearch.probeAcknowledged(number)
            connection.frameIsDue = true  // the next one
            return 0
        }
        callbacks.lost_datagram = { _, number, user in
            guard let connection = connection(from: user) else { return NGTCP2_ERR_CALLBACK_FAILURE }
            connection.sizeSearch.probeLost(number)
            connection.frameIsDue = true
            return 0
        }
        installStreamCallbacks(on: &callbacks)
    }

    private static func installStreamCallbacks(on callbacks: inout ngtcp2_callbacks) {
        callbacks.stream_open = { conn, id, user in
            guard let connection = connection(from: user) else { return NGTCP2_ERR_CALLBACK_FAILURE }
            let stream = QUICStream(id: QUICStreamID(id), window: connection.newStreamWindow)
            connection.streams[stream.id] = stream
            connection.events.append(.streamOpened(stream.id))
            return ngtcp2_conn_set_stream_user_data(conn, id, stream.pointer)
        }
        callbacks.recv_stream_data = { _, flags, _, _, data, count, user, streamUser in
            let bytes = UnsafeRawBufferPointer(start: data, count: count)
            let isLast = flags & UInt32(NGTCP2_STREAM_DATA_FLAG_FIN) != 0
            withBorrowed(user, streamUser) { $0.received(bytes, isLast: isLast, on: $1) }
            return 0
        }
        callbacks.acked_stream_data_offset = { _, _, offset, count, user, streamUser in
            withBorrowed(user, streamUser) { $0.acknowledged(upTo: offset + count, on: $1) }
            return 0
        }
        callbacks.extend_max_stream_data = { _, _, _, user, streamUser in
            guard let connection = connection(from: user), let stream = QUICStream.from(streamUser) else { return 0 }
            connection.enqueueForSending(stream)
            return 0
        }
        callbacks.stream_reset = { _, _, _, code, user, streamUser in
            guard let connection = connection(from: user), let stream = QUICStream.from(streamUser) else { return 0 }
            connection.events.append(.streamReset(stream.id, code: code))
            return 0
        }
        callbacks.stream_close = { conn, flags, id, code, user, _ in
            guard let connection = connection(from: user) else { return NGTCP2_ERR_CALLBACK_FAILURE }
            let hasCode = flags & UInt32(NGTCP2_STREAM_CLOSE_FLAG_APP_ERROR_CODE_SET) != 0
            let stream = QUICStreamID(id)
            connection.events.append(.streamClosed(stream, code: hasCode ? code : nil))
            if stream.isServerInitiated != connection.isServer {
                // The peer may open another in its place (RFC 9000 §4.6).
                ngtcp2_conn_extend_max_streams_bidi(conn, 1)
                // With fewer taken it has enough left, and can wait for the next packet.
                if connection.streams.count >= connection.settings.maximumPeerStreams / 2 {
                    connection.frameIsDue = true
                }
            }
            return 0
        }
        callbacks.extend_max_local_streams_bidi = { _, _, user in
            connection(from: user)?.events.append(.streamsAvailable)
            return 0
        }
    }

    fileprivate func issueConnectionID(
        _ cid: UnsafeMutablePointer<ngtcp2_cid>,
        token: UnsafeMutablePointer<UInt8>,
        length: Int
    ) -> Int32 {
        guard let id = QUICConnectionID(random.bytes(length)) else { return NGTCP2_ERR_CALLBACK_FAILURE }
        cid.pointee = id.withNGTCP2 { $0.pointee }
        let destination = UnsafeMutableRawBufferPointer(start: token, count: Int(NGTCP2_STATELESS_RESET_TOKENLEN))
        resetSecret.writeToken(for: id, to: destination)
        events.append(.connectionIDIssued(id))
        return 0
    }

    fileprivate func received(_ bytes: UnsafeRawBufferPointer, isLast: Bool, on stream: QUICStream) {
        hasReceivedStreamData = true
        guard !stream.receivingEnded else {
            connectionCreditDue += bytes.count
            return
        }
        if bytes.count > 0 {
            if stream.received == nil {
                stream.received = ByteBufferAllocator().buffer(capacity: max(bytes.count, stream.lastBatchBytes))
            }
            stream.received?.append(bytes)
            accountArrival(bytes.count, on: stream)
        }
        if isLast {
            stream.receivedFinish = true
        }
        if !stream.isReadableQueued {
            stream.isReadableQueued = true
            events.append(.streamReadable(stream.id))
        }
    }

    fileprivate func acknowledged(upTo offset: UInt64, on stream: QUICStream) {
        stream.sendBuffer.acknowledge(upTo: offset)
        if stream.resetAfterDelivery != nil, stream.sendBuffer.isEverythingAcknowledged {
            dueResets.append(stream)
        }
    }

    // Credit for the whole connection is given back at arrival, so that a stalled stream does not stop the others, until
    // too much lies unconsumed; a stream's own credit is given back when its bytes are consumed.
    private func accountArrival(_ count: Int, on stream: QUICStream) {
        stream.unconsumedBytes += count
        unconsumedBytes += count
        if unconsumedBytes <= settings.unconsumedBudgetBytes {
            connectionCreditDue += count
        } else {
            connectionCreditWithheld += count
        }
    }
}

private func connection(from user: UnsafeMutableRawPointer?) -> QUICConnection? {
    user.map { Unmanaged<QUICConnection>.fromOpaque($0).takeUnretainedValue() }
}

extension ByteBuffer {
    // `writeBytes` calls five functions that are not inlined and checks exclusive access, for every packet.
    fileprivate mutating func append(_ bytes: UnsafeRawBufferPointer) {
        reserveCapacity(minimumWritableBytes: bytes.count)
        let index = writerIndex
        withVeryUnsafeMutableBytes { UnsafeMutableRawBufferPointer(rebasing: $0[index...]).copyMemory(from: bytes) }
        moveWriterIndex(forwardBy: bytes.count)
    }
}

// For what happens with every packet: whoever called ngtcp2 holds the connection, whose table holds the stream, so that
// neither is retained for the callback.
private func withBorrowed(
    _ user: UnsafeMutableRawPointer?,
    _ streamUser: UnsafeMutableRawPointer?,
    _ body: (QUICConnection, QUICStream) -> Void
) {
    guard let user, let streamUser else { return }
    Unmanaged<QUICConnection>.fromOpaque(user)._withUnsafeGuaranteedRef { connection in
        Unmanaged<QUICStream>.fromOpaque(streamUser)._withUnsafeGuaranteedRef { stream in
            body(connection, stream)
        }
    }
}
