#include "packet_protection.h"

#include "frame_guard.h"
#include "ngtcp2_shims.h"

// SwiftNIO's TLS brings it along, the listener's program has it in any case, and no package offers it by itself.
#include <CNIOBoringSSL_aead.h>
#include <CNIOBoringSSL_aes.h>
#include <CNIOBoringSSL_chacha.h>
#include <CNIOBoringSSL_err.h>
#include <CNIOBoringSSL_mem.h>
#include <ngtcp2/ngtcp2_crypto.h>
#include <ngtcp2/ngtcp2_crypto_gnutls.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    NONCE_BYTES = 12,
    TAG_BYTES = 16,
    MASK_BYTES = 5,
};

// Handles

// ngtcp2 keeps a pointer for each key and tells the callbacks nothing else about it. Of ours the lowest bit is set; the
// helper's point to GnuTLS' structures.

static void *handle_of(void *key) { return (void *)((uintptr_t)key | 1); }

static bool is_ours(const void *handle) { return ((uintptr_t)handle & 1) != 0; }

static void *key_of(void *handle) { return (void *)((uintptr_t)handle & ~(uintptr_t)1); }

// Keys

// The helper keeps GnuTLS' number of the negotiated cipher in place of a pointer.
static gnutls_cipher_algorithm_t cipher_of(const ngtcp2_crypto_ctx *suite) {
    return (gnutls_cipher_algorithm_t)(intptr_t)suite->aead.native_handle;
}

// NULL for what TLSSession does not offer.
static const EVP_AEAD *aead_of(const ngtcp2_crypto_ctx *suite) {
    switch (cipher_of(suite)) {
    case GNUTLS_CIPHER_AES_128_GCM:
        return EVP_aead_aes_128_gcm();
    case GNUTLS_CIPHER_AES_256_GCM:
        return EVP_aead_aes_256_gcm();
    case GNUTLS_CIPHER_CHACHA20_POLY1305:
        return EVP_aead_chacha20_poly1305();
    default:
        return NULL;
    }
}

// RFC 9001 §5.1, version 1's labels: warp_conn_new speaks no other version.
static bool expand(uint8_t *destination, size_t length, const ngtcp2_crypto_ctx *suite, const uint8_t *secret,
                   size_t secret_length, const char *label) {
    return ngtcp2_crypto_hkdf_expand_label(destination, length, &suite->md, secret, secret_length,
                                           (const uint8_t *)label, strlen(label)) == 0;
}

// NULL when it fails. Fills NONCE_BYTES of `iv`.
static void *new_packet_key(uint8_t *iv, const ngtcp2_crypto_ctx *suite, const uint8_t *secret, size_t secret_length) {
    const EVP_AEAD *aead = aead_of(suite);
    if (aead == NULL) {
        return NULL;
    }
    uint8_t bytes[EVP_AEAD_MAX_KEY_LENGTH];
    size_t length = EVP_AEAD_key_length(aead);
    EVP_AEAD_CTX *key = NULL;
    if (expand(bytes, length, suite, secret, secret_length, "quic key") &&
        expand(iv, NONCE_BYTES, suite, secret, secret_length, "quic iv")) {
        key = EVP_AEAD_CTX_new(aead, bytes, length, TAG_BYTES);
    }
    OPENSSL_cleanse(bytes, sizeof(bytes));
    return key == NULL ? NULL : handle_of(key);
}

static void free_packet_key(void *handle) {
    if (handle != NULL) {
        EVP_AEAD_CTX_free(key_of(handle)); // zeroes it
    }
}

typedef struct header_key {
    bool is_chacha;
    union {
        AES_KEY aes;
        uint8_t chacha[32];
    };
} header_key;

static void free_header_key(void *handle) {
    if (handle != NULL) {
        header_key *key = key_of(handle);
        OPENSSL_cleanse(key, sizeof(*key));
        free(key);
    }
}

// NULL when it fails.
static void *new_header_key(const ngtcp2_crypto_ctx *suite, const uint8_t *secret, size_t secret_length) {
    const EVP_AEAD *aead = aead_of(suite);
    header_key *key = aead == NULL ? NULL : calloc(1, sizeof(*key));
    if (key == NULL) {
        return NULL;
    }
    uint8_t bytes[EVP_AEAD_MAX_KEY_LENGTH];
    size_t length = EVP_AEAD_key_length(aead); // also the header's key's: RFC 9001 §5.4.3, §5.4.4
    bool is_made = expand(bytes, length, suite, secret, secret_length, "quic hp");
    key->is_chacha = cipher_of(suite) == GNUTLS_CIPHER_CHACHA20_POLY1305;
    if (is_made && key->is_chacha) {
        memcpy(key->chacha, bytes, sizeof(key->chacha));
    } else if (is_made) {
        is_made = AES_set_encrypt_key(bytes, 8 * (unsigned)length, &key->aes) == 0;
    }
    OPENSSL_cleanse(bytes, sizeof(bytes));
    if (!is_made) {
        free_header_key(handle_of(key));
        return NULL;
    }
    return handle_of(key);
}

// Secrets

static bool install_keys(ngtcp2_conn *conn, const uint8_t *secret, size_t length, bool is_rx) {
    const ngtcp2_crypto_ctx *suite = ngtcp2_conn_get_crypto_ctx(conn);
    uint8_t iv[NONCE_BYTES];
    ngtcp2_crypto_aead_ctx packet = {.native_handle = new_packet_key(iv, suite, secret, length)};
    ngtcp2_crypto_cipher_ctx header = {.native_handle = new_header_key(suite, secret, length)};
    int rv = NGTCP2_ERR_CALLBACK_FAILURE;
    if (packet.native_handle != NULL && header.native_handle != NULL) {
        rv = is_rx ? ngtcp2_conn_install_rx_key(conn, secret, length, &packet, iv, sizeof(iv), &header)
                   : ngtcp2_conn_install_tx_key(conn, secret, length, &packet, iv, sizeof(iv), &header);
    }
    OPENSSL_cleanse(iv, sizeof(iv));
    if (rv != 0) {
        free_packet_key(packet.native_handle);
        free_header_key(header.native_handle);
    }
    return rv == 0;
}

// RFC 9001 §8.2: an end that sends no transport parameters gets missing_extension. GnuTLS does not ask for them, and ngtcp2
// asserts that it has them once it has keys: a server since the ClientHello, a client since EncryptedExtensions.
static bool lacks_transport_params(ngtcp2_conn *conn, gnutls_record_encryption_level_t level) {
    return (ngtcp2_conn_is_server(conn) || level == GNUTLS_ENCRYPTION_LEVEL_APPLICATION) &&
           ngtcp2_conn_get_remote_transport_params(conn) == NULL;
}

static int receive_secrets(gnutls_session_t session, gnutls_record_encryption_level_t record_level,
                           const void *rx_secret, const void *tx_secret, size_t length) {
    ngtcp2_crypto_conn_ref *reference = gnutls_session_get_ptr(session);
    ngtcp2_conn *conn = reference->get_conn(reference);
    if (lacks_transport_params(conn, record_level)) {
        return GNUTLS_E_MISSING_EXTENSION;
    }
    if (record_level == GNUTLS_ENCRYPTION_LEVEL_APPLICATION) {
        bool is_installed = (rx_secret == NULL || install_keys(conn, rx_secret, length, true)) &&
                            (tx_secret == NULL || install_keys(conn, tx_secret, length, false));
        return is_installed ? 0 : -1;
    }
    ngtcp2_crypto_level level = ngtcp2_crypto_gnutls_from_gnutls_record_encryption_level(record_level);
    if (rx_secret != NULL &&
        ngtcp2_crypto_derive_and_install_rx_key(conn, NULL, NULL, NULL, level, rx_secret, length) != 0) {
        return -1;
    }
    if (tx_secret != NULL &&
        ngtcp2_crypto_derive_and_install_tx_key(conn, NULL, NULL, NULL, level, tx_secret, length) != 0) {
        return -1;
    }
    return 0;
}

void warp_tls_session_protect_packets(gnutls_session_t session) {
    gnutls_handshake_set_secret_function(session, receive_secrets);
}

// RFC 9001 §6.1. Header protection keys stay.
static int update_key(ngtcp2_conn *conn, uint8_t *rx_secret, uint8_t *tx_secret, ngtcp2_crypto_aead_ctx *rx,
                      uint8_t *rx_iv, ngtcp2_crypto_aead_ctx *tx, uint8_t *tx_iv, const uint8_t *current_rx_secret,
                      const uint8_t *current_tx_secret, size_t length, void *user_data) {
    (void)user_data;
    const ngtcp2_crypto_ctx *suite = ngtcp2_conn_get_crypto_ctx(conn);
    if (!expand(rx_secret, length, suite, current_rx_secret, length, "quic ku") ||
        !expand(tx_secret, length, suite, current_tx_secret, length, "quic ku")) {
        return NGTCP2_ERR_CALLBACK_FAILURE;
    }
    void *rx_key = new_packet_key(rx_iv, suite, rx_secret, length);
    void *tx_key = new_packet_key(tx_iv, suite, tx_secret, length);
    if (rx_key == NULL || tx_key == NULL) {
        free_packet_key(rx_key);
        free_packet_key(tx_key);
        return NGTCP2_ERR_CALLBACK_FAILURE;
    }
    rx->native_handle = rx_key;
    tx->native_handle = tx_key;
    return 0;
}

static void delete_packet_key(ngtcp2_conn *conn, ngtcp2_crypto_aead_ctx *key, void *user_data) {
    if (!is_ours(key->native_handle)) {
        ngtcp2_crypto_delete_crypto_aead_ctx_cb(conn, key, user_data);
        return;
    }
    free_packet_key(key->native_handle);
    key->native_handle = NULL;
}

static void delete_header_key(ngtcp2_conn *conn, ngtcp2_crypto_cipher_ctx *key, void *user_data) {
    if (!is_ours(key->native_handle)) {
        ngtcp2_crypto_delete_crypto_cipher_ctx_cb(conn, key, user_data);
        return;
    }
    free_header_key(key->native_handle);
    key->native_handle = NULL;
}

// Packets

// The callbacks are told nothing of the connection.
static _Thread_local bool has_sealed_handshake;
static _Thread_local bool withholds_packets;

static int seal_packet(uint8_t *destination, const ngtcp2_crypto_aead *aead, const ngtcp2_crypto_aead_ctx *key,
                       const uint8_t *plaintext, size_t length, const uint8_t *nonce, size_t nonce_length,
                       const uint8_t *header, size_t header_length) {
    if (!is_ours(key->native_handle)) {
        has_sealed_handshake = has_sealed_handshake || (header[0] & 0xb0) == 0xa0; // RFC 9000 §17.2.4, RFC 9287
        return ngtcp2_crypto_encrypt_cb(destination, aead, key, plaintext, length, nonce, nonce_length, header,
                                        header_length);
    }
    size_t written;
    int is_sealed = EVP_AEAD_CTX_seal(key_of(key->native_handle), destination, &written, length + TAG_BYTES, nonce,
                                      nonce_length, plaintext, length, header, header_length);
    return is_sealed ? 0 : NGTCP2_ERR_CALLBACK_FAILURE;
}

static int open_packet(uint8_t *destination, const ngtcp2_crypto_aead *aead, const ngtcp2_crypto_aead_ctx *key,
                       const uint8_t *ciphertext, size_t length, const uint8_t *nonce, size_t nonce_length,
                       const uint8_t *header, size_t header_length) {
    if (!is_ours(key->native_handle)) {
        return ngtcp2_crypto_decrypt_cb(destination, aead, key, ciphertext, length, nonce, nonce_length, header,
                                        header_length);
    }
    size_t written;
    if (withholds_packets || length < TAG_BYTES ||
        !EVP_AEAD_CTX_open(key_of(key->native_handle), destination, &written, length - TAG_BYTES, nonce, nonce_length,
                           ciphertext, length, header, header_length)) {
        ERR_clear_error(); // or the thread's next user of BoringSSL would find it
        return NGTCP2_ERR_DECRYPT;
    }
    return warp_frames_make_bearable(destination, written) ? 0 : NGTCP2_ERR_CALLBACK_FAILURE;
}

static int mask_header(uint8_t *destination, const ngtcp2_crypto_cipher *cipher, const ngtcp2_crypto_cipher_ctx *handle,
                       const uint8_t *sample) {
    if (!is_ours(handle->native_handle)) {
        return ngtcp2_crypto_hp_mask_cb(destination, cipher, handle, sample);
    }
    const header_key *key = key_of(handle->native_handle);
    if (key->is_chacha) { // RFC 9001 §5.4.4
        static const uint8_t zeros[MASK_BYTES];
        uint32_t counter = (uint32_t)sample[0] | (uint32_t)sample[1] << 8 | (uint32_t)sample[2] << 16 |
                           (uint32_t)sample[3] << 24;
        CRYPTO_chacha_20(destination, zeros, sizeof(zeros), key->chacha, sample + 4, counter);
    } else { // RFC 9001 §5.4.3
        uint8_t block[AES_BLOCK_SIZE];
        AES_encrypt(sample, block, &key->aes);
        memcpy(destination, block, MASK_BYTES);
    }
    return 0;
}

int warp_conn_read_handshake_pkt(ngtcp2_conn *conn, const ngtcp2_path *path, const ngtcp2_pkt_info *info,
                                 const uint8_t *packet, size_t length, ngtcp2_tstamp now) {
    withholds_packets = true;
    // Returns even when an assertion fails.
    int rv = warp_conn_read_pkt(conn, path, info, packet, length, now);
    withholds_packets = false;
    return rv;
}

bool warp_take_sealed_handshake(void) {
    bool has = has_sealed_handshake;
    has_sealed_handshake = false;
    return has;
}

void warp_callbacks_protect_packets(ngtcp2_callbacks *callbacks) {
    callbacks->encrypt = seal_packet;
    callbacks->decrypt = open_packet;
    callbacks->hp_mask = mask_header;
    callbacks->update_key = update_key;
    callbacks->delete_crypto_aead_ctx = delete_packet_key;
    callbacks->delete_crypto_cipher_ctx = delete_header_key;
}
