// GnuTLS as QUIC's TLS 1.3 stack.
#ifndef CQUIC_GNUTLS_SHIMS_H
#define CQUIC_GNUTLS_SHIMS_H

#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Makes a session for one QUIC connection: TLS 1.3 only, ALPN mandatory, the other end's certificate
// required and handed to `verify`. `alpn` holds the protocols' names in order of preference, each
// behind its length (RFC 7301 §3.1): a client offers them all, a server takes its first one that the
// client offers. `priorities` may be shared: each session counts a reference. `reference` (an
// ngtcp2_crypto_conn_ref) must outlive the session.
// Returns 0 or a GnuTLS error; on error nothing is left to free.
int warp_tls_session_new(gnutls_session_t *session, bool is_server, gnutls_priority_t priorities,
                         gnutls_certificate_credentials_t credentials, const uint8_t *alpn,
                         size_t alpn_length, void *reference,
                         gnutls_certificate_verify_function *verify);

#endif
