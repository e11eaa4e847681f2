#include "CQuic.h"

int warp_tls_session_new(gnutls_session_t *session, bool is_server, const char *priority,
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
    gnutls_datum_t protocol = {.data = (unsigned char *)alpn, .size = (unsigned)alpn_length};
    if ((rv = gnutls_priority_set_direct(*session, priority, NULL)) != GNUTLS_E_SUCCESS ||
        (rv = gnutls_credentials_set(*session, GNUTLS_CRD_CERTIFICATE, credentials)) !=
            GNUTLS_E_SUCCESS ||
        (rv = gnutls_alpn_set_protocols(*session, &protocol, 1, GNUTLS_ALPN_MANDATORY)) !=
            GNUTLS_E_SUCCESS) {
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
    if (is_server) {
        gnutls_certificate_server_set_request(*session, GNUTLS_CERT_REQUIRE);
    }
    gnutls_session_set_ptr(*session, reference);
    gnutls_session_set_verify_function(*session, verify);
    return GNUTLS_E_SUCCESS;
}
