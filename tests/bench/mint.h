/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys and tokens for the measurements, made by OpenSSL and nothing of jwtauth. Whatever fails
 * ends the program: a measurement has nothing to recover.
 */
#ifndef BENCH_MINT_H
#define BENCH_MINT_H

#include "contender.h"

#include <openssl/evp.h>
#include <stdint.h>

#define MINT_ISSUER "https://idp.example.com/realms/bench"
#define MINT_AUDIENCE "ssh://bench.example.com"
#define MINT_LIFETIME 7200
#define MINT_SECRET 32

struct mint_key {
    const char *algorithm; /* HS256 RS256 PS256 ES256 EdDSA */
    const char *kid;
    EVP_PKEY *pkey; /* NULL for HS256 */
    unsigned char secret[MINT_SECRET];
    char *jwk; /* the public part, or the secret */
    char *pem; /* the public part, NULL for HS256 */
};

/* A new key. kid is borrowed. */
struct mint_key *mint_key(const char *algorithm, const char *kid);
void mint_key_free(struct mint_key **key);

/*
 * A token with 12 claims for user, 700 to 1000 bytes, valid from a minute before now. Tokens
 * of different numbers differ in jti, sub and the times.
 */
void mint_token(const struct mint_key *key, const char *user, int64_t now, unsigned number,
                struct bench_token *out);
/* token with the signature of other: well-formed in every part, and false. */
void mint_forgery(const struct bench_token *token, const struct bench_token *other,
                  struct bench_token *out);
/* token with another character in its signature, and another bit in its decoded form. */
void mint_alteration(const struct bench_token *token, struct bench_token *out);
void mint_token_free(struct bench_token *token);

/* Formats and writes a file with this mode. */
void mint_file(const char *path, unsigned mode, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* asprintf that cannot fail. */
char *mint_text(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Says why and ends the program. */
_Noreturn void mint_die(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
