// Protection of 1-RTT packets (RFC 9001 §5), by BoringSSL.
#ifndef CQUIC_PACKET_PROTECTION_H
#define CQUIC_PACKET_PROTECTION_H

#include <gnutls/gnutls.h>
#include <ngtcp2/ngtcp2.h>
#include <stdbool.h>

// ngtcp2's crypto helper would leave it to GnuTLS. BoringSSL uses VAES where the processor has it, AVX-512 or not: there
// 16 KiB under AES-128-GCM take half of GnuTLS' time, a packet of 1,410 bytes two thirds, and one under
// ChaCha20-Poly1305 less than a third. Initial and Handshake packets stay with the helper.

// Makes BoringSSL's keys of the session's 1-RTT secrets. The session's pointer must be an ngtcp2_crypto_conn_ref.
// Replaces the secret function of ngtcp2_crypto_gnutls_configure_client_session or _server_session: call it after.
void warp_tls_session_protect_packets(gnutls_session_t session);

// Like warp_conn_read_pkt, but what is under 1-RTT keys counts as damaged. For a client that has not answered the
// handshake yet, with a write by which ngtcp2 leaves it and a Handshake packet: until both have come, HANDSHAKE_DONE
// ends the process. What an honest server sends so early, it sends again.
int warp_conn_read_handshake_pkt(ngtcp2_conn *conn, const ngtcp2_path *path, const ngtcp2_pkt_info *info,
                                 const uint8_t *packet, size_t length, ngtcp2_tstamp now);

// Whether a Handshake packet was sealed on this thread since the last call.
bool warp_take_sealed_handshake(void);

// Sets the callbacks that use, update and free keys.
void warp_callbacks_protect_packets(ngtcp2_callbacks *callbacks);

#endif
