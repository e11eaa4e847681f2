#include "CQuic.h"

STACK_OF(X509) *warp_x509_stack_new(void) { return sk_X509_new_null(); }

int warp_x509_stack_push(STACK_OF(X509) *stack, X509 *certificate) {
    if (!X509_up_ref(certificate)) {
        return 0;
    }
    if (sk_X509_push(stack, certificate) == 0) {
        X509_free(certificate);
        return 0;
    }
    return 1;
}

void warp_x509_stack_free(STACK_OF(X509) *stack) { sk_X509_pop_free(stack, X509_free); }

void warp_bio_free_secret(BIO *bio) {
    char *bytes = NULL;
    long length = BIO_get_mem_data(bio, &bytes);
    if (bytes != NULL && length > 0) {
        OPENSSL_cleanse(bytes, (size_t)length);
    }
    BIO_free(bio);
}

size_t warp_bio_bytes(BIO *bio, const uint8_t **bytes) {
    char *start = NULL;
    long length = BIO_get_mem_data(bio, &start);
    *bytes = (const uint8_t *)start;
    return length > 0 ? (size_t)length : 0;
}

int warp_no_password(char *buffer, int size, int writing, void *context) {
    (void)buffer;
    (void)size;
    (void)writing;
    (void)context;
    return -1;
}
