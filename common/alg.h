/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The algorithm table: what is implemented, by the names of the IANA registry "JSON Web
 * Signature and Encryption Algorithms" (RFC 7518 section 3.1, RFC 8037, RFC 8812, RFC 9864).
 * `none` is not in it and cannot be.
 */
#ifndef JWTA_ALG_H
#define JWTA_ALG_H

#include "common/buf.h"

#include <stdint.h>

enum jwta_kty { JWTA_KTY_RSA, JWTA_KTY_EC, JWTA_KTY_OKP, JWTA_KTY_OCT, JWTA_KTY_AKP };

enum jwta_alg_kind {
    JWTA_ALG_HMAC,
    JWTA_ALG_RSA_PKCS1, /* RSASSA-PKCS1-v1_5 */
    JWTA_ALG_RSA_PSS,   /* salt as long as the hash, MGF1 with the same hash */
    JWTA_ALG_ECDSA,     /* r and s, each as long as the order, one after the other */
    JWTA_ALG_EDDSA,
    JWTA_ALG_ML_DSA
};

struct jwta_alg {
    const char *name;
    enum jwta_alg_kind kind;
    enum jwta_kty kty;
    const char *crv;      /* the only curve, or NULL: RSA, oct, and EdDSA, which names none */
    const char *digest;   /* OpenSSL's name of the hash, or NULL where the scheme brings its own */
    size_t hash_len;      /* bytes of that hash, or 0 */
    size_t signature_len; /* bytes, or 0 where the key decides */
};

/* A set of algorithms, one bit each in the order of the table. */
struct jwta_algs {
    uint32_t bits;
};

/* The algorithm of this exact name, or NULL. Names are case-sensitive. */
const struct jwta_alg *jwta_alg_find(struct jwta_span name);
/* Number index (from 0) of the table, or NULL past its end. */
const struct jwta_alg *jwta_alg_at(size_t index);
bool jwta_algs_has(struct jwta_algs set, const struct jwta_alg *alg);
struct jwta_algs jwta_algs_add(struct jwta_algs set, const struct jwta_alg *alg);
/* Every implemented algorithm: for `jwtauth verify --jwks`, never for a configured issuer. */
struct jwta_algs jwta_algs_all(void);

#endif
