// One function for each ngtcp2 macro that Swift cannot call, and for each call whose shape changed
// between releases.
#ifndef CQUIC_NGTCP2_SHIMS_H
#define CQUIC_NGTCP2_SHIMS_H

#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>
#include <stdbool.h>

#if NGTCP2_VERSION_NUM < 0x000c00 || NGTCP2_VERSION_NUM >= 0x000d00
#error "socket-warp is written for libngtcp2 0.12 (Debian 12, Ubuntu 24.04)"
#endif

// Who ended a connection and with which code, as CONNECTION_CLOSE carries it (RFC 9000 §19.19).
typedef struct warp_connection_close {
    bool is_application;
    uint64_t error_code;
    const uint8_t *reason; // borrowed
    size_t reason_length;
} warp_connection_close;

uint32_t warp_quic_version_1(void);
size_t warp_max_retry_token_length(void);

void warp_settings_default(ngtcp2_settings *settings);
void warp_transport_params_default(ngtcp2_transport_params *params);

// Fills in the callbacks that ngtcp2's crypto helper and packet_protection.c implement. Once the connection's native
// handle is NULL, a TLS message is refused as unexpected (RFC 8446 §6.2).
void warp_callbacks_use_crypto(ngtcp2_callbacks *callbacks, bool is_server);

int warp_conn_new(ngtcp2_conn **conn, bool is_server, const ngtcp2_cid *dcid, const ngtcp2_cid *scid,
                  const ngtcp2_path *path, const ngtcp2_callbacks *callbacks,
                  const ngtcp2_settings *settings, const ngtcp2_transport_params *params,
                  void *user_data);

// What the calls below return, beside ngtcp2's errors, when ngtcp2 has failed an assertion: with the connection nothing at
// all may be done any more, not even ngtcp2_conn_del. The TLS session may be in the middle of something, too.
enum { WARP_ERR_ASSERTION = -1000 };

// The assertion that failed last on this thread, and where.
const char *warp_failed_assertion(void);

int warp_conn_read_pkt(ngtcp2_conn *conn, const ngtcp2_path *path, const ngtcp2_pkt_info *info, const uint8_t *packet,
                       size_t length, ngtcp2_tstamp now);
int warp_conn_handle_expiry(ngtcp2_conn *conn, ngtcp2_tstamp now);

ngtcp2_ssize warp_conn_writev_stream(ngtcp2_conn *conn, ngtcp2_path *path, ngtcp2_pkt_info *info, uint8_t *destination,
                                     size_t capacity, ngtcp2_ssize *accepted, uint32_t flags, int64_t stream_id,
                                     const ngtcp2_vec *data, size_t data_count, ngtcp2_tstamp now);

// Whether a call on this thread has left frames to send without delay since the last time: what was found to be lost, or an
// answer to PATH_CHALLENGE or PATH_RESPONSE.
bool warp_take_urgent_frames(void);

// Writes a packet without stream data, or ends the one that NGTCP2_WRITE_STREAM_FLAG_MORE has left open. Returns its
// length, 0 when there is nothing to send or nothing may be sent now, or a negative ngtcp2 error.
ngtcp2_ssize warp_conn_write_pkt(ngtcp2_conn *conn, ngtcp2_path *path, ngtcp2_pkt_info *info,
                                 uint8_t *destination, size_t capacity, ngtcp2_tstamp now);

// Writes a packet with a DATAGRAM frame of `length` bytes (RFC 9221), whose fate the callbacks tell by `number`;
// without it, and `accepted` says so, when other frames took the room. Returns its length, 0 when nothing may be
// sent now, or a negative ngtcp2 error.
ngtcp2_ssize warp_conn_write_datagram(ngtcp2_conn *conn, ngtcp2_path *path, ngtcp2_pkt_info *info,
                                      uint8_t *destination, size_t capacity, bool *accepted, uint64_t number,
                                      const uint8_t *bytes, size_t length, ngtcp2_tstamp now);

// Writes a CONNECTION_CLOSE packet. Returns its length, or a negative ngtcp2 error.
ngtcp2_ssize warp_conn_write_close(ngtcp2_conn *conn, ngtcp2_path *path, ngtcp2_pkt_info *info,
                                   uint8_t *destination, size_t capacity,
                                   const warp_connection_close *close, ngtcp2_tstamp now);

// The transport error code (RFC 9000 §20.1, RFC 9001 §4.8) that belongs to an ngtcp2 library error.
uint64_t warp_transport_error_code(ngtcp2_conn *conn, int library_error);
// What the peer said in its CONNECTION_CLOSE. The reason borrows from the connection.
warp_connection_close warp_conn_peer_close(ngtcp2_conn *conn);

// How many probe timeouts have passed since the peer last acknowledged anything new (RFC 9002 §6.2.1).
size_t warp_conn_pto_count(ngtcp2_conn *conn);
// What the pacer lets go at once, in bytes: ngtcp2's send quantum, or, where that would last for less than
// its timer's millisecond, what it lets go in a millisecond (RFC 9002 §7.7).
size_t warp_conn_burst(ngtcp2_conn *conn);

// What is in flight, and how long it takes to be acknowledged. The shortest round trip is UINT64_MAX before there is one.
typedef struct warp_flight {
    size_t bytes;
    ngtcp2_duration min_rtt, smoothed_rtt;
} warp_flight;

warp_flight warp_conn_flight(ngtcp2_conn *conn);

#endif
