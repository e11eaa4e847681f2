// libcrypto's stacks of certificates are macros.
#ifndef CQUIC_LIBCRYPTO_SHIMS_H
#define CQUIC_LIBCRYPTO_SHIMS_H

#include <openssl/evp.h>
#include <openssl/x509.h>

STACK_OF(X509) *warp_x509_stack_new(void);
// Takes its own reference to `certificate`. Returns 1, or 0 when memory ran out.
int warp_x509_stack_push(STACK_OF(X509) *stack, X509 *certificate);
// Frees the stack and its references.
void warp_x509_stack_free(STACK_OF(X509) *stack);

// Zeroes the bytes of a memory BIO, then frees it: for BIOs that held a private key.
void warp_bio_free_secret(BIO *bio);
// Borrows the bytes of a memory BIO.
size_t warp_bio_bytes(BIO *bio, const uint8_t **bytes);
// A password callback that gives none, so that an encrypted key fails instead of asking a terminal.
int warp_no_password(char *buffer, int size, int writing, void *context);

#endif
