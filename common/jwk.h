/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A JSON Web Key (RFC 7517; parameters of RFC 7518 section 6, RFC 8037, RFC 8812): what it says
 * of itself, whether it may verify, and its import into OpenSSL with the checks of its strength.
 */
#ifndef JWTA_JWK_H
#define JWTA_JWK_H

#include "common/alg.h"
#include "common/buf.h"

#include <jansson.h>
#include <openssl/evp.h>

/* What a JWK says of itself. Everything is borrowed from the JSON. */
struct jwta_jwk {
    const json_t *json;
    enum jwta_kty kty;
    struct jwta_span kty_name;
    struct jwta_span kid;       /* absent where it has none */
    struct jwta_span crv;       /* EC and OKP */
    const struct jwta_alg *alg; /* the one it is restricted to, or NULL */
};

/*
 * Reads what the JWK says of itself: type, curve, kid, and whether `use`, `key_ops` and `alg` allow
 * it to verify. JWK_MALFORMED, JWK_KTY, JWK_USE, JWK_ALG. kid and kty_name are set also on failure,
 * where they are strings, so that a list can name the key.
 */
JWTA_MUST_USE enum jwta_code jwta_jwk_read(const json_t *json, struct jwta_jwk *out,
                                           struct jwta_why *why);

/* Whether this (well read) JWK may serve alg: type, curve and its own `alg`. */
bool jwta_jwk_fits(const struct jwta_jwk *jwk, const struct jwta_alg *alg);

/* Whether two JWKs are the same public key or secret: same type and parameters, as written. */
bool jwta_jwk_same_material(const struct jwta_jwk *a, const struct jwta_jwk *b);

/* The JWK thumbprint with SHA-256 (RFC 7638), base64url, 43 characters and a NUL. */
#define JWTA_THUMBPRINT_SIZE 44
JWTA_MUST_USE enum jwta_code jwta_jwk_thumbprint(const struct jwta_jwk *jwk, char *out);

/*
 * What is kept for the next verification; each belongs to whoever takes it out. Everything in it
 * is set once, for one key and one algorithm, but for the digest, which each message begins anew.
 */
struct jwta_key_context {
    const struct jwta_alg *alg;
    EVP_MD *hash;       /* RSA and ECDSA: the hash, … */
    EVP_MD_CTX *digest; /* … its state (for EdDSA and ML-DSA, which hash within: the one-shot) … */
    EVP_PKEY_CTX *verify; /* … and the verification of a hash, with its padding */
    EVP_MAC_CTX *mac;     /* HMAC */
};
#define JWTA_KEY_CONTEXTS 4

/* An imported key. Immutable but for the kept contexts, which threads exchange atomically. */
struct jwta_key {
    enum jwta_kty kty;
    const char *crv;             /* EC and OKP, else NULL */
    const struct jwta_alg *only; /* AKP: the one algorithm that the key is of, else NULL */
    EVP_PKEY *pkey;              /* NULL for oct */
    struct jwta_buf secret;      /* oct */
    size_t signature_len;        /* bytes of a signature by this key: RSA, OKP; else 0 */
    _Atomic(struct jwta_key_context *) kept[JWTA_KEY_CONTEXTS];
};

/*
 * Imports the public part (or the secret). JWK_MALFORMED (a member missing, not strict base64url, a
 * coordinate of the wrong length), JWK_WEAK (RSA below 2048 or above 16384 bits, exponent even,
 * below 3 or beyond 64 bits, a modulus with the ROCA fingerprint; a secret below the hash of its
 * `alg`, or below 32 bytes), JWK_POINT, JWK_KTY (this OpenSSL lacks it), CRYPTO, MEMORY.
 */
JWTA_MUST_USE enum jwta_code jwta_key_import(const struct jwta_jwk *jwk, struct jwta_key **out,
                                             struct jwta_why *why);

void jwta_key_free(struct jwta_key **key);
void jwta_key_context_free(struct jwta_key_context **context);

#endif
