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
    /// Takes stream data in the ``SendQueue``'s order, so that a bulk transfer does not delay a small message by more than
    /// what is already built. Stops at the congestion window and at what the pacer lets go at once (RFC 9002 §7.7).
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
        datagramsToAcknowledge = 0
        let frameWasDue = frameIsDue
        frameIsDue = false
        returnStreamCredit(now: now)
        let watchesHandshake = !isServer && !hasSealedHandshake
        if watchesHandshake {
            _ = warp_take_sealed_handshake()  // another connection's
        }
        let hadRoom = windowHasRoom
        var run = PacketRun(scratch: scratch)
        var info = ngtcp2_pkt_info(ecn: 0)
        var budget = min(warp_conn_burst(conn), Self.maximumBurstBytes)
        var bulkBudget = bulkAllowance(conn, now: now)
        var probeBytes = isConfirmed ? sizeSearch.dueProbeBytes : nil
        var outcome = SendOutcome.sent
        var hasWritten = false

        withUnsafeTemporaryAllocation(of: ngtcp2_vec.self, capacity: StreamSendBuffer.maximumVectors) { vectors in
            while outcome == .sent {
                sendQueue.holdsBulk = bulkBudget == 0
                let packetBytes = probeBytes ?? sizeSearch.datagramBytes
                if run.roomBytes < packetBytes {
                    outcome = flush(&run, send)
                    run.rewind()
                }
                let written =
                    probeBytes.flatMap { writeProbe($0, conn, run.next, &info, scratch, now) }
                    ?? writePacket(conn, run.next, &info, vectors, scratch, now)
                guard written > 0 else {
                    if written < 0 {
                        fail(Int32(truncatingIfNeeded: written), call: "ngtcp2_conn_writev_stream", now: now)
                    }
                    break
                }
                hasWritten = true
                if !run.accepts(packetBytes: written, ecn: UInt8(truncatingIfNeeded: info.ecn)) {
                    outcome = flush(&run, send)
                }
                run.append(packetBytes: written, ecn: UInt8(truncatingIfNeeded: info.ecn))
                if run.isComplete || probeBytes != nil {
                    outcome = flush(&run, send)
                    probeBytes = nil  // one is in flight at a time
                }
                budget -= min(budget, written)
                bulkBudget -= min(bulkBudget, written)
                // A burst's last packet alone would cost a whole system call.
                guard budget >= packetBytes else { break }
            }
            _ = flush(&run, send)
        }
        guard self.conn != nil else { return }  // abandoned
        // By the pacer, as far as can be seen from here; or there was nothing to send.
        let isStopped = !hasWritten || budget < sizeSearch.datagramBytes
        frameIsDue = frameIsDue || !windowHasRoom || (frameWasDue && isStopped)
        ngtcp2_conn_update_pkt_tx_time(conn, now.nanoseconds)
        if hadRoom {
            migrationGate.wrote(now: now, isUsing: isUsing)
        }
        if watchesHandshake {
            hasSealedHandshake = warp_take_sealed_handshake()
        }
        let resetsAreDue = !dueResets.isEmpty
        performDueResets()
        if pendingClose != nil || (resetsAreDue && outcome == .sent) {
            writeDatagrams(using: scratch, now: now, send: send)
        }
    }

    // How many bytes may leave before bulk streams wait for acknowledgements.
    private func bulkAllowance(_ conn: OpaquePointer, now: QUICTime) -> Int {
        if hasQueuedMessage {
            hasQueuedMessage = false
            bulkLimit.sawMessage(now: now)
        }
        guard bulkLimit.isInForce(now: now) else { return .max }
        let flight = warp_conn_flight(conn)
        let limit = BulkLimit.bytesInFlight(
            shortest: .nanoseconds(Int64(clamping: flight.min_rtt)),
            smoothed: .nanoseconds(Int64(clamping: flight.smoothed_rtt))
        )
        return max(0, limit - flight.bytes)
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
        let packetBytes = sizeSearch.datagramBytes
        while let stream = ngtcp2_conn_get_max_data_left(conn) > 0 ? nextToSend() : nextToFinish() {
            let (count, areAll) = stream.sendBuffer.unsentVectors(vectors, bytes: packetBytes)
            var flags = UInt32(NGTCP2_WRITE_STREAM_FLAG_NONE)
            if sendQueue.hasSecond {
                flags |= UInt32(NGTCP2_WRITE_STREAM_FLAG_MORE)  // what is left of the packet is for the next stream
            }
            if areAll && stream.finishQueued {
                flags |= UInt32(NGTCP2_WRITE_STREAM_FLAG_FIN)
            }
            var accepted: ngtcp2_ssize = -1
            let written = warp_conn_writev_stream(
                conn,
                scratch.pathPointer,
                &info,
                destination,
                packetBytes,
                &accepted,
                flags,
                stream.id.rawValue,
                vectors.baseAddress,
                count,
                now.nanoseconds
            )
            if accepted >= 0 {
                advance(stream, by: accepted, sentAll: areAll)
            }
            switch Int32(truncatingIfNeeded: written) {
            case NGTCP2_ERR_WRITE_MORE:
                continue
            case NGTCP2_ERR_STREAM_DATA_BLOCKED:
                sendQueue.remove(stream)  // `extend_max_stream_data` brings it back
                if stream.resetAfterDelivery != nil {
                    dueResets.append(stream)
                }
            case NGTCP2_ERR_STREAM_SHUT_WR, NGTCP2_ERR_STREAM_NOT_FOUND:
                endSending(stream)
                sendQueue.remove(stream)
                events.append(.streamSendingStopped(stream.id))
            default:
                return written
            }
        }
        return warp_conn_write_pkt(conn, scratch.pathPointer, &info, destination, packetBytes, now.nanoseconds)
    }

    /// Builds the probe of the path's MTU that is due, of `bytes` bytes.
    /// - Returns: nil when the peer takes none or nothing may be sent now; otherwise as ``writePacket``.
    private func writeProbe(
        _ bytes: Int,
        _ conn: OpaquePointer,
        _ destination: UnsafeMutablePointer<UInt8>,
        _ info: inout ngtcp2_pkt_info,
        _ scratch: DatagramScratch,
        _ now: QUICTime
    ) -> Int? {
        // RFC 9000 §18.2: max_udp_payload_size is what the peer takes, whatever the path carries.
        guard let peer = ngtcp2_conn_get_remote_transport_params(conn), bytes <= peer.pointee.max_udp_payload_size
        else {
            sizeSearch.end()
            return nil
        }
        // The largest short header, the frame's and the AEAD's tag (RFC 9000 §17.3.1, RFC 9221 §4, RFC 9001 §5.3).
        let overheadBytes = 1 + 20 + 4 + 1 + 4 + 16
        let padding = [UInt8](repeating: 0, count: bytes - overheadBytes)
        var isInPacket = false
        let written = warp_conn_write_datagram(
            conn,
            scratch.pathPointer,
            &info,
            destination,
            bytes,
            &isInPacket,
            sizeSearch.nextProbeNumber,
            padding,
            padding.count,
            now.nanoseconds
        )
        switch Int32(truncatingIfNeeded: written) {
        case NGTCP2_ERR_INVALID_STATE, NGTCP2_ERR_INVALID_ARGUMENT:
            sizeSearch.end()
            return nil
        default:
            if written > 0, isInPacket {
                sizeSearch.sentProbe(bytes: written)
            }
            return written == 0 ? nil : written
        }
    }

    private func nextToSend() -> QUICStream? {
        while let first = sendQueue.first {
            if first.hasSomethingToSend { return first }
            sendQueue.remove(first)
        }
        return nil
    }

    // With the connection's credit used up, only the end of a stream that has no bytes left can be sent.
    private func nextToFinish() -> QUICStream? {
        sendQueue.first { $0.hasSomethingToSend && $0.sendBuffer.unsentBytes == 0 }
    }

    private func advance(_ stream: QUICStream, by count: Int, sentAll: Bool) {
        changeSendBuffer(of: stream) { $0.advanceSent(count) }
        if stream.finishQueued, sentAll, stream.sendBuffer.unsentBytes == 0 {
            stream.finishSent = true
        }
        sendQueue.sent(count, of: stream)
        if stream.writerIsPaused, stream.sendBuffer.unsentCostBytes < settings.sendLowWatermarkBytes {
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
                DatagramSizeSearch.minimumBytes,
                &close,
                now.nanoseconds
            )
        }
        guard written > 0 else {
            state = .terminated  // nothing was ever sent, or nothing can be
            if written == Self.assertionError {
                abandon()  // who closed it knows already
            }
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

    /// The most that leaves before the event loop does something else, in bytes.
    private static let maximumBurstBytes = 512 * 1024
}
