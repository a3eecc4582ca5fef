/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One side of a comparison. Each lives in a shared object of its own, loaded with RTLD_LOCAL:
 * libraries that export names like jwt_free meet neither each other nor ours, while all of them
 * share one libcrypto and one jansson, so that every ratio compares what stands above those.
 */
#ifndef BENCH_CONTENDER_H
#define BENCH_CONTENDER_H

#include <stdbool.h>
#include <stddef.h>

#define BENCH_SIGNATURE_MAX 512

/* What a side is given before the clock starts. */
struct bench_case {
    const char *algorithm;       /* as in the header: "RS256" */
    const char *jwk;             /* the public key or secret, JSON */
    const char *pem;             /* the public key, or NULL for HS256 */
    const unsigned char *secret; /* HS256, else NULL */
    size_t secret_len;
    const char *configuration; /* a file for jwtauth, whose key set holds jwk */
    const char *service;       /* its section */
    const char *user;          /* the user that each token names */
};

struct bench_token {
    char *text; /* terminated */
    size_t len;
    size_t signing_len;                           /* bytes of text that are signed */
    unsigned char signature[BENCH_SIGNATURE_MAX]; /* as EVP takes it: ECDSA in DER */
    size_t signature_len;
};

enum bench_ready { BENCH_READY, BENCH_LACKS, BENCH_BROKEN };

struct bench_contender {
    const char *name;
    /* Loads the key. LACKS: the library has no such algorithm. */
    enum bench_ready (*open)(const struct bench_case *given, void **state);
    /* Verifies one token. */
    bool (*verify)(void *state, const struct bench_token *token);
    void (*close)(void *state);
    /* NULL: its time makes a figure. Else what it shows, for a remark to people. */
    const char *remark;
};

/* What each shared object exports; a name of NULL ends it. */
extern const struct bench_contender bench_contenders[];

#endif
