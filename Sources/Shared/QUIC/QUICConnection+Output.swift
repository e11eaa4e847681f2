internal import CQuic
internal import NIOCore

/// Whether whoever sends the datagrams takes more at once.
package enum SendOutcome: Hashable, Sendable {
    case sent
    /// Taken, but the socket is full: write again when it is not.
    case blocked
}

extension QUICConnection {
    /// Builds every packet that may leave now and hands them over in runs of equal size.
    ///
    /// Takes stream data in turn, a packet a stream, so that a bulk transfer does not delay a small message by more than
    /// what is already built. Stops at the congestion window and at the pacer's quantum (RFC 9002 §7.7).
    ///
    /// - Parameter send: called with each run, which is borrowed for the call.
    package func writeDatagrams(
        using scratch: DatagramScratch,
        now: QUICTime,
        send: (OutgoingDatagrams) -> SendOutcome
    ) {
        if let frame = pendingClose {
            writeClose(frame, using: scratch, now: now, send: send)
            return
        }
        switch state {
        case .active: writePackets(using: scratch, now: now, send: send)
        case .closing(let until, let packet, let received, let answerIsDue):
            guard let conn, answerIsDue else { return }
            ngtcp2_path_copy(scratch.runPathPointer, ngtcp2_conn_get_path(conn))
            state = .closing(until: until, packet: packet, received: received, answerIsDue: false)
            _ = packet.withUnsafeBytes { send(run($0, segmentBytes: packet.count, ecn: 0, scratch: scratch)) }
        case .draining, .terminated:
            break  // RFC 9000 §10.2.2: a draining endpoint MUST NOT send.
        }
    }

    private func writePackets(
        using scratch: DatagramScratch,
        now: QUICTime,
        send: (OutgoingDatagrams) -> SendOutcome
    ) {
        guard let conn else { return }
        returnStreamCredit(now: now)
        var run = PacketRun(scratch: scratch)
        var info = ngtcp2_pkt_info(ecn: 0)
        var budget = ngtcp2_conn_get_send_quantum(conn)
        var outcome = SendOutcome.sent

        withUnsafeTemporaryAllocation(of: ngtcp2_vec.self, capacity: StreamSendBuffer.maximumVectors) { vectors in
            while outcome == .sent {
                if run.roomBytes < Self.maximumPacketBytes {
                    outcome = flush(&run, send)
                    run.rewind()
                }
                let written = writePacket(conn, run.next, &info, vectors, scratch, now)
                guard written > 0 else {
                    if written < 0 {
                        fail(Int32(truncatingIfNeeded: written), call: "ngtcp2_conn_writev_stream", now: now)
                    }
                    break
                }
                if !run.accepts(packetBytes: written, ecn: UInt8(truncatingIfNeeded: info.ecn)) {
                    outcome = flush(&run, send)
                }
                run.append(packetBytes: written, ecn: UInt8(truncatingIfNeeded: info.ecn))
                if run.isComplete {
                    outcome = flush(&run, send)
                }
                budget -= min(budget, written)
                // A quantum's last packet alone would cost a whole system call.
                guard budget >= Self.maximumPacketBytes else { break }
            }
            _ = flush(&run, send)
        }
        ngtcp2_conn_update_pkt_tx_time(conn, now.nanoseconds)
        let resetsAreDue = !dueResets.isEmpty
        performDueResets()
        if pendingClose != nil || (resetsAreDue && outcome == .sent) {
            writeDatagrams(using: scratch, now: now, send: send)
        }
    }

    /// Builds one packet from the streams in turn.
    /// - Returns: its size, 0 when nothing may or need be sent, or a negative ngtcp2 error.
    private func writePacket(
        _ conn: OpaquePointer,
        _ destination: UnsafeMutablePointer<UInt8>,
        _ info: inout ngtcp2_pkt_info,
        _ vectors: UnsafeMutableBufferPointer<ngtcp2_vec>,
        _ scratch: DatagramScratch,
        _ now: QUICTime
    ) -> Int {
        while true {
            let stream = ngtcp2_conn_get_max_data_left(conn) > 0 ? nextToSend() : nextToFinish()
            var flags = UInt32(NGTCP2_WRITE_STREAM_FLAG_NONE)
            var accepted: ngtcp2_ssize = -1
            var gathered: (count: Int, areAll: Bool) = (0, true)
            if let stream {
                gathered = stream.sendBuffer.unsentVectors(vectors, bytes: Self.maximumPacketBytes)
                flags = UInt32(NGTCP2_WRITE_STREAM_FLAG_MORE)
                if gathered.areAll && stream.finishQueued {
                    flags |= UInt32(NGTCP2_WRITE_STREAM_FLAG_FIN)
                }
            }
            let written = warp_conn_writev_stream(
                conn,
                scratch.pathPointer,
                &info,
                destination,
                Self.maximumPacketBytes,
                &accepted,
                flags,
                stream?.id.rawValue ?? -1,
                vectors.baseAddress,
                gathered.count,
                now.nanoseconds
            )
            if let stream, accepted >= 0 {
                advance(stream, by: accepted, sentAll: gathered.areAll)
            }
            switch Int32(truncatingIfNeeded: written) {
            case NGTCP2_ERR_WRITE_MORE:
                continue
            case NGTCP2_ERR_STREAM_DATA_BLOCKED:
                if let stream {
                    leaveSendQueue(stream)  // `extend_max_stream_data` brings it back
                    if stream.resetAfterDelivery != nil {
                        dueResets.append(stream)
                    }
                }
            case NGTCP2_ERR_STREAM_SHUT_WR, NGTCP2_ERR_STREAM_NOT_FOUND:
                if let stream {
                    endSending(stream)
                    leaveSendQueue(stream)
                    events.append(.streamSendingStopped(stream.id))
                }
            default:
                if written > 0, let stream, stream.isInSendQueue, sendQueue.count > 1 {
                    // Somebody else's turn.
                    leaveSendQueue(stream)
                    enqueueForSending(stream)
                }
                return written
            }
        }
    }

    private func nextToSend() -> QUICStream? {
        while let first = sendQueue.first {
            if first.hasSomethingToSend { return first }
            leaveSendQueue(first)
        }
        return nil
    }

    // With the connection's credit used up, only the end of a stream that has no bytes left can be sent.
    private func nextToFinish() -> QUICStream? {
        sendQueue.first { $0.hasSomethingToSend && $0.sendBuffer.unsentBytes == 0 }
    }

    private func leaveSendQueue(_ stream: QUICStream) {
        stream.isInSendQueue = false
        if sendQueue.first === stream {
            sendQueue.removeFirst()
        } else {
            sendQueue.removeAll { $0 === stream }
        }
    }

    private func advance(_ stream: QUICStream, by count: Int, sentAll: Bool) {
        stream.sendBuffer.advanceSent(count)
        if stream.finishQueued, sentAll, stream.sendBuffer.unsentBytes == 0 {
            stream.finishSent = true
        }
        if !stream.hasSomethingToSend {
            leaveSendQueue(stream)
        }
        if stream.writerIsPaused, stream.sendBuffer.unsentBytes < settings.sendLowWatermarkBytes {
            stream.writerIsPaused = false
            events.append(.streamWritable(stream.id))
        }
    }

    private func writeClose(
        _ frame: CloseFrame,
        using scratch: DatagramScratch,
        now: QUICTime,
        send: (OutgoingDatagrams) -> SendOutcome
    ) {
        pendingClose = nil
        guard let conn else { return }
        var info = ngtcp2_pkt_info(ecn: 0)
        var reason = frame.reason
        let written = reason.withUTF8 { bytes in
            var close = warp_connection_close(
                is_application: frame.isApplication,
                error_code: frame.code,
                reason: bytes.baseAddress,
                reason_length: bytes.count
            )
            return warp_conn_write_close(
                conn,
                scratch.runPathPointer,
                &info,
                scratch.bytes,
                Self.maximumPacketBytes,
                &close,
                now.nanoseconds
            )
        }
        guard written > 0 else {
            state = .terminated  // nothing was ever sent, or nothing can be
            return
        }
        let packet = UnsafeRawBufferPointer(start: scratch.bytes, count: written)
        state = .closing(until: now + closePeriod, packet: Array(packet), received: 0, answerIsDue: false)
        _ = send(run(packet, segmentBytes: written, ecn: 0, scratch: scratch))
    }

    private func flush(_ packets: inout PacketRun, _ send: (OutgoingDatagrams) -> SendOutcome) -> SendOutcome {
        guard let finished = packets.take() else { return .sent }
        return send(
            run(finished.bytes, segmentBytes: finished.segmentBytes, ecn: finished.ecn, scratch: packets.scratch)
        )
    }

    private func run(
        _ bytes: UnsafeRawBufferPointer,
        segmentBytes: Int,
        ecn: UInt8,
        scratch: DatagramScratch
    ) -> OutgoingDatagrams {
        let path = scratch.runPathPointer.pointee
        return OutgoingDatagrams(
            bytes: bytes,
            segmentBytes: segmentBytes,
            ecn: ecn,
            remote: UnsafePointer(path.remote.addr),
            remoteLength: path.remote.addrlen,
            local: UnsafePointer(path.local.addr)
        )
    }

    /// The largest packet that ngtcp2 is asked to build, in bytes: its own default for the largest probe.
    static let maximumPacketBytes = 1452
}
