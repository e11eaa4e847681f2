#include "CQuic.h"
#include "containment.h"

uint32_t warp_quic_version_1(void) { return NGTCP2_PROTO_VER_V1; }

size_t warp_max_retry_token_length(void) { return NGTCP2_CRYPTO_MAX_RETRY_TOKENLEN; }

void warp_settings_default(ngtcp2_settings *settings) { ngtcp2_settings_default(settings); }

void warp_transport_params_default(ngtcp2_transport_params *params) {
    ngtcp2_transport_params_default(params);
}

// A connection without a TLS session has completed its handshake, and expects no message after it.
static int recv_crypto_data(ngtcp2_conn *conn, ngtcp2_crypto_level level, uint64_t offset,
                            const uint8_t *data, size_t length, void *user_data) {
    if (ngtcp2_conn_get_tls_native_handle(conn) == NULL) {
        ngtcp2_conn_set_tls_alert(conn, GNUTLS_A_UNEXPECTED_MESSAGE);
        return NGTCP2_ERR_CRYPTO;
    }
    return ngtcp2_crypto_recv_crypto_data_cb(conn, level, offset, data, length, user_data);
}

void warp_callbacks_use_crypto(ngtcp2_callbacks *callbacks, bool is_server) {
    if (is_server) {
        callbacks->recv_client_initial = ngtcp2_crypto_recv_client_initial_cb;
    } else {
        callbacks->client_initial = ngtcp2_crypto_client_initial_cb;
        callbacks->recv_retry = ngtcp2_crypto_recv_retry_cb;
    }
    callbacks->recv_crypto_data = recv_crypto_data;
    warp_callbacks_protect_packets(callbacks);
    callbacks->get_path_challenge_data = ngtcp2_crypto_get_path_challenge_data_cb;
    callbacks->version_negotiation = ngtcp2_crypto_version_negotiation_cb;
}

int warp_conn_new(ngtcp2_conn **conn, bool is_server, const ngtcp2_cid *dcid, const ngtcp2_cid *scid,
                  const ngtcp2_path *path, const ngtcp2_callbacks *callbacks,
                  const ngtcp2_settings *settings, const ngtcp2_transport_params *params,
                  void *user_data) {
    if (is_server) {
        return ngtcp2_conn_server_new(conn, dcid, scid, path, NGTCP2_PROTO_VER_V1, callbacks, settings,
                                      params, NULL, user_data);
    }
    return ngtcp2_conn_client_new(conn, dcid, scid, path, NGTCP2_PROTO_VER_V1, callbacks, settings,
                                  params, NULL, user_data);
}

int warp_conn_read_pkt(ngtcp2_conn *conn, const ngtcp2_path *path, const ngtcp2_pkt_info *info, const uint8_t *packet,
                       size_t length, ngtcp2_tstamp now) {
    RETURN_CONTAINED(ngtcp2_conn_read_pkt(conn, path, info, packet, length, now));
}

int warp_conn_handle_expiry(ngtcp2_conn *conn, ngtcp2_tstamp now) {
    RETURN_CONTAINED(ngtcp2_conn_handle_expiry(conn, now));
}

ngtcp2_ssize warp_conn_writev_stream(ngtcp2_conn *conn, ngtcp2_path *path, ngtcp2_pkt_info *info, uint8_t *destination,
                                     size_t capacity, ngtcp2_ssize *accepted, uint32_t flags, int64_t stream_id,
                                     const ngtcp2_vec *data, size_t data_count, ngtcp2_tstamp now) {
    RETURN_CONTAINED(ngtcp2_conn_writev_stream(conn, path, info, destination, capacity, accepted, flags, stream_id, data,
                                               data_count, now));
}

ngtcp2_ssize warp_conn_write_pkt(ngtcp2_conn *conn, ngtcp2_path *path, ngtcp2_pkt_info *info,
                                 uint8_t *destination, size_t capacity, ngtcp2_tstamp now) {
    RETURN_CONTAINED(ngtcp2_conn_write_pkt(conn, path, info, destination, capacity, now));
}

static ngtcp2_ssize write_datagram(ngtcp2_conn *conn, ngtcp2_path *path, ngtcp2_pkt_info *info, uint8_t *destination,
                                   size_t capacity, int *accepted, uint64_t number, const ngtcp2_vec *data,
                                   ngtcp2_tstamp now) {
    RETURN_CONTAINED(ngtcp2_conn_writev_datagram(conn, path, info, destination, capacity, accepted,
                                                 NGTCP2_WRITE_DATAGRAM_FLAG_NONE, number, data, 1, now));
}

ngtcp2_ssize warp_conn_write_datagram(ngtcp2_conn *conn, ngtcp2_path *path, ngtcp2_pkt_info *info,
                                      uint8_t *destination, size_t capacity, bool *accepted, uint64_t number,
                                      const uint8_t *bytes, size_t length, ngtcp2_tstamp now) {
    int taken = 0;
    ngtcp2_vec data = {.base = (uint8_t *)bytes, .len = length};
    ngtcp2_ssize written =
        write_datagram(conn, path, info, destination, capacity, &taken, number, &data, now);
    *accepted = taken != 0;
    return written;
}

ngtcp2_ssize warp_conn_write_close(ngtcp2_conn *conn, ngtcp2_path *path, ngtcp2_pkt_info *info,
                                   uint8_t *destination, size_t capacity,
                                   const warp_connection_close *close, ngtcp2_tstamp now) {
    ngtcp2_connection_close_error error;
    ngtcp2_connection_close_error_default(&error);
    if (close->is_application) {
        ngtcp2_connection_close_error_set_application_error(&error, close->error_code, close->reason,
                                                            close->reason_length);
    } else {
        // By code, not by library error: the caller has mapped it already (warp_transport_error_code).
        error.type = NGTCP2_CONNECTION_CLOSE_ERROR_CODE_TYPE_TRANSPORT;
        error.error_code = close->error_code;
        error.frame_type = 0;
        error.reason = (uint8_t *)close->reason;
        error.reasonlen = close->reason_length;
    }
    RETURN_CONTAINED(ngtcp2_conn_write_connection_close(conn, path, info, destination, capacity, &error, now));
}

uint64_t warp_transport_error_code(ngtcp2_conn *conn, int library_error) {
    uint8_t alert = ngtcp2_conn_get_tls_alert(conn);
    if (library_error == NGTCP2_ERR_CRYPTO && alert != 0) {
        return NGTCP2_CRYPTO_ERROR | alert; // RFC 9001 §4.8
    }
    return ngtcp2_err_infer_quic_transport_error_code(library_error);
}

warp_connection_close warp_conn_peer_close(ngtcp2_conn *conn) {
    ngtcp2_connection_close_error error;
    ngtcp2_connection_close_error_default(&error);
    ngtcp2_conn_get_connection_close_error(conn, &error);
    warp_connection_close close = {
        .is_application = error.type == NGTCP2_CONNECTION_CLOSE_ERROR_CODE_TYPE_APPLICATION,
        .error_code = error.error_code,
        .reason = error.reason,
        .reason_length = error.reasonlen,
    };
    return close;
}

size_t warp_conn_pto_count(ngtcp2_conn *conn) {
    ngtcp2_conn_stat stat;
    ngtcp2_conn_get_conn_stat(conn, &stat);
    return stat.pto_count;
}

size_t warp_conn_burst(ngtcp2_conn *conn) {
    ngtcp2_conn_stat stat;
    ngtcp2_conn_get_conn_stat(conn, &stat);
    // Bytes per nanosecond, as ngtcp2_conn_update_pkt_tx_time reckons.
    double rate = stat.pacing_rate > 0 ? stat.pacing_rate
                                       : 1.25 * (double)stat.cwnd / (double)stat.smoothed_rtt;
    double burst = rate * (double)NGTCP2_MILLISECONDS;
    return burst > (double)stat.send_quantum ? (size_t)burst : stat.send_quantum;
}

warp_flight warp_conn_flight(ngtcp2_conn *conn) {
    ngtcp2_conn_stat stat;
    ngtcp2_conn_get_conn_stat(conn, &stat);
    return (warp_flight){stat.bytes_in_flight, stat.min_rtt, stat.smoothed_rtt};
}
