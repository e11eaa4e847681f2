#include "CQuic.h"

// `names` holds names with a length octet ahead of each.
static int set_protocols(gnutls_session_t session, const uint8_t *names, size_t length) {
    gnutls_datum_t protocols[8]; // as many as GnuTLS takes
    unsigned count = 0;
    for (size_t at = 0; at < length; at += 1 + names[at]) {
        if (count == sizeof(protocols) / sizeof(*protocols) || names[at] >= length - at) {
            return GNUTLS_E_INVALID_REQUEST;
        }
        protocols[count].data = (unsigned char *)names + at + 1;
        protocols[count].size = names[at];
        count++;
    }
    return gnutls_alpn_set_protocols(session, protocols, count,
                                     GNUTLS_ALPN_MANDATORY | GNUTLS_ALPN_SERVER_PRECEDENCE);
}

// RFC 9001 §6: QUIC has no KeyUpdate message; who sends one gets unexpected_message. GnuTLS would follow it and hand over
// secrets once more, and ngtcp2 ends the process when it is given keys that it has already.
static int refuse_key_update(gnutls_session_t session, unsigned type, unsigned when, unsigned is_incoming,
                             const gnutls_datum_t *message) {
    (void)session, (void)type, (void)when, (void)is_incoming, (void)message;
    return GNUTLS_E_UNEXPECTED_PACKET;
}

int warp_tls_session_new(gnutls_session_t *session, bool is_server, gnutls_priority_t priorities,
                         gnutls_certificate_credentials_t credentials, const uint8_t *alpn,
                         size_t alpn_length, void *reference,
                         gnutls_certificate_verify_function *verify) {
    // QUIC has no EndOfEarlyData message (RFC 9001 §8.3). A client sends its certificate even when the
    // server's list of issuers does not name its issuer: an intermediate may not be on that list.
    unsigned flags = GNUTLS_NO_END_OF_EARLY_DATA | GNUTLS_NO_TICKETS;
    flags |= is_server ? GNUTLS_SERVER : (GNUTLS_CLIENT | GNUTLS_FORCE_CLIENT_CERT);
    int rv = gnutls_init(session, flags);
    if (rv != GNUTLS_E_SUCCESS) {
        return rv;
    }
    if ((rv = gnutls_priority_set(*session, priorities)) != GNUTLS_E_SUCCESS ||
        (rv = gnutls_credentials_set(*session, GNUTLS_CRD_CERTIFICATE, credentials)) !=
            GNUTLS_E_SUCCESS ||
        (rv = set_protocols(*session, alpn, alpn_length)) != GNUTLS_E_SUCCESS) {
        gnutls_deinit(*session);
        *session = NULL;
        return rv;
    }
    rv = is_server ? ngtcp2_crypto_gnutls_configure_server_session(*session)
                   : ngtcp2_crypto_gnutls_configure_client_session(*session);
    if (rv != 0) {
        gnutls_deinit(*session);
        *session = NULL;
        return GNUTLS_E_INTERNAL_ERROR;
    }
    warp_tls_session_protect_packets(*session);
    gnutls_handshake_set_hook_function(*session, GNUTLS_HANDSHAKE_KEY_UPDATE, GNUTLS_HOOK_PRE, refuse_key_update);
    if (is_server) {
        gnutls_certificate_server_set_request(*session, GNUTLS_CERT_REQUIRE);
    }
    gnutls_session_set_ptr(*session, reference);
    gnutls_session_set_verify_function(*session, verify);
    return GNUTLS_E_SUCCESS;
}
