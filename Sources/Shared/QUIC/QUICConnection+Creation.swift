internal import CQuic
internal import NIOCore

extension QUICConnection {
    /// Makes the `ngtcp2_conn` and joins it with the TLS session. Called once, by the initialisers.
    func create(
        destination: QUICConnectionID,
        path: NetworkPath,
        now: QUICTime,
        attempt: ConnectionAttempt?
    ) throws(QUICError) {
        var callbacks = ngtcp2_callbacks()
        warp_callbacks_use_crypto(&callbacks, isServer)
        Self.install(on: &callbacks)
        var ngtcp2Settings = librarySettings(now: now)
        var params = transportParameters(attempt: attempt)
        let userData = Unmanaged.passUnretained(self).toOpaque()

        var created: OpaquePointer?
        let result = destination.withNGTCP2 { dcid in
            initialSourceID.withNGTCP2 { scid in
                let make = { (token: ngtcp2_vec) in
                    ngtcp2Settings.token = token
                    return warp_conn_new(
                        &created,
                        self.isServer,
                        dcid,
                        scid,
                        path.pointer,
                        &callbacks,
                        &ngtcp2Settings,
                        &params,
                        userData
                    )
                }
                return attempt?.withToken(make) ?? make(ngtcp2_vec())
            }
        }
        guard result == 0, let created else {
            throw .library("ngtcp2_conn_new", result)
        }
        conn = created
        tls.attach(connection: created)
        if let keepAlive = settings.keepAlive {
            ngtcp2_conn_set_keep_alive_timeout(created, UInt64(clamping: keepAlive.nanoseconds))
        }
        events.append(.connectionIDIssued(initialSourceID))
        if let attempt {
            // The client goes on using the ID that it chose until it has seen ours.
            events.append(.connectionIDIssued(attempt.destinationID))
        }
    }

    private func librarySettings(now: QUICTime) -> ngtcp2_settings {
        var library = ngtcp2_settings()
        warp_settings_default(&library)
        library.initial_ts = now.nanoseconds
        library.cc_algo = settings.congestionController.algorithm
        library.initial_rtt = UInt64(clamping: settings.initialRoundTrip.nanoseconds)
        if let limitBytes = sizeSearch.limitBytes {
            library.no_pmtud = 1
            library.no_tx_udp_payload_size_shaping = 1
            library.max_tx_udp_payload_size = limitBytes
        }
        library.handshake_timeout = UInt64(clamping: settings.handshakeTimeout.nanoseconds)
        library.rand_ctx.native_handle = Unmanaged.passUnretained(random).toOpaque()
        return library
    }

    private func transportParameters(attempt: ConnectionAttempt?) -> ngtcp2_transport_params {
        var params = ngtcp2_transport_params()
        warp_transport_params_default(&params)
        params.initial_max_data = UInt64(settings.connectionWindowBytes)
        params.initial_max_stream_data_bidi_local = UInt64(settings.initialStreamWindowBytes)
        params.initial_max_stream_data_bidi_remote = UInt64(settings.initialStreamWindowBytes)
        params.initial_max_streams_bidi = UInt64(settings.maximumPeerStreams)
        params.initial_max_streams_uni = 0
        params.max_idle_timeout = UInt64(clamping: settings.idleTimeout.nanoseconds)
        params.active_connection_id_limit = 2  // the least there is (RFC 9000 §18.2): `frame_guard.c` keeps the first
        // Only the peer's probes of the path come in DATAGRAM frames: nobody reads them.
        params.max_datagram_frame_size = 65_535
        if let attempt {
            params.original_dcid = attempt.originalDestinationID.withNGTCP2 { $0.pointee }
            if attempt.isRetried {
                params.retry_scid = attempt.destinationID.withNGTCP2 { $0.pointee }
                params.retry_scid_present = 1
            }
            // Only a server may send a token in its transport parameters (RFC 9000 §18.2).
            withUnsafeMutableBytes(of: &params.stateless_reset_token) { token in
                resetSecret.writeToken(for: initialSourceID, to: token)
            }
            params.stateless_reset_token_present = 1
        }
        return params
    }
}
