// The only C header that Swift sees for QUIC, TLS and certificates.
//
// ngtcp2's calls are macros, GnuTLS' role flags are ambiguous in Swift and libcrypto's stacks are
// macros too: each gets one function here. Every difference between library versions belongs in this
// folder, so that no Swift file ever asks which version it runs on.
#ifndef CQUIC_H
#define CQUIC_H

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>
#include <ngtcp2/ngtcp2_crypto_gnutls.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "gnutls_shims.h"
#include "libcrypto_shims.h"
#include "ngtcp2_shims.h"
#include "packet_protection.h"

#endif
