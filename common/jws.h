/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * JSON Web Signature, compact serialization (RFC 7515): parts, protected header, signature.
 * Knows no policy, reads no clock, opens no file.
 */
#ifndef JWTA_JWS_H
#define JWTA_JWS_H

#include "common/alg.h"
#include "common/buf.h"
#include "common/jwk.h"

#include <jansson.h>

#define JWTA_TOKEN_MAX 16384
#define JWTA_HEADER_MAX 4096
#define JWTA_HEADER_DEPTH 4

/* The parts of a token, encoded, borrowed from it. */
struct jwta_jws {
    struct jwta_span header;
    struct jwta_span payload;
    struct jwta_span signature;
    struct jwta_span signing_input; /* header, period, payload */
};

/*
 * Splits a token after checking its bounds. TOO_LARGE, JWE (five parts), NOT_JWT (anything but
 * three parts of the alphabet, an empty header), BASE64 (a part that is no canonical encoding),
 * HEADER_TOO_LARGE.
 */
JWTA_MUST_USE enum jwta_code jwta_jws_split(struct jwta_span token, struct jwta_jws *out,
                                            struct jwta_why *why);

/*
 * Whether a credential has the shape of a JWT, for hosts that must tell it from a password: starts
 * with eyJ and has three parts of the alphabet. Bounds are not looked at.
 */
bool jwta_jws_shape(struct jwta_span credential);

/*
 * Whether a credential is a token or has one in it, well-formed or not: one of that shape, behind
 * or before something ("Bearer ", a blank), with a character too many, or in more parts (a JWE). It
 * is no password, and no other module may see it, since it may hold all of a good token.
 */
bool jwta_jws_resembled(struct jwta_span credential);

/* A protected header: immutable, counted (threads may share it). Its spans are borrowed from its
 * JSON. */
struct jwta_header {
    _Atomic unsigned references;
    json_t *json;
    const struct jwta_alg *alg;
    struct jwta_span kid; /* absent where it has none */
    struct jwta_span typ;
};

/*
 * Decodes and reads an encoded header (RFC 7515 section 4). BASE64, HEADER_JSON, DUPLICATE_MEMBER,
 * TOO_DEEP, HEADER_TYPE, ALG_MISSING, ALG_NONE, ALG_UNKNOWN, CRIT (any crit: no extension is
 * implemented), B64_HEADER, MEMORY. jku, jwk, x5u and x5c are passed over like unknown members.
 */
JWTA_MUST_USE enum jwta_code jwta_header_read(struct jwta_span encoded, struct jwta_header **out,
                                              struct jwta_why *why);
struct jwta_header *jwta_header_ref(struct jwta_header *header);
/* Gives one reference back and sets *header to NULL; the last frees it. */
void jwta_header_unref(struct jwta_header **header);

/*
 * Verifies signature (encoded) over signing_input by key with alg. The key must fit the
 * algorithm: checked again here, so that no caller can confuse a public key with a secret.
 * KEY_MISFIT, BASE64, SIGNATURE_LENGTH, SIGNATURE, CRYPTO, MEMORY.
 * The host's OpenSSL error queue is left as it was.
 */
JWTA_MUST_USE enum jwta_code jwta_jws_verify(struct jwta_key *key, const struct jwta_alg *alg,
                                             struct jwta_span signing_input,
                                             struct jwta_span signature, struct jwta_why *why);

/*
 * The same with each of count keys until one verifies. `more` says that there were further keys
 * that are not tried: the denial is then KEY_TRIES. INTERNAL codes end it at once.
 */
JWTA_MUST_USE enum jwta_code jwta_jws_verify_any(struct jwta_key *const *keys, size_t count,
                                                 bool more, const struct jwta_alg *alg,
                                                 const struct jwta_jws *jws, struct jwta_why *why);

#endif
