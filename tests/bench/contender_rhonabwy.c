/* SPDX-License-Identifier: BSD-2-Clause */
/* rhonabwy, on GnuTLS: parse without following the header, verify, one claim read. */
#include "contender.h"

#include <rhonabwy.h>

static enum bench_ready peer_open(const struct bench_case *given, void **state)
{
    jwk_t *jwk = NULL;

    if (r_global_init() != RHN_OK || r_jwk_init(&jwk) != RHN_OK)
        return BENCH_BROKEN;
    if (r_jwk_import_from_json_str(jwk, given->jwk) != RHN_OK) {
        r_jwk_free(jwk);
        return BENCH_BROKEN;
    }
    *state = jwk;
    return BENCH_READY;
}

static bool peer_verify(void *state, const struct bench_token *token)
{
    jwt_t *jwt = NULL;
    bool good = false;

    if (r_jwt_init(&jwt) != RHN_OK)
        return false;
    good = r_jwt_advanced_parsen(jwt, token->text, token->len, R_PARSE_NONE,
                                 R_FLAG_IGNORE_REMOTE) == RHN_OK &&
           r_jwt_verify_signature(jwt, state, R_FLAG_IGNORE_REMOTE) == RHN_OK &&
           r_jwt_get_claim_str_value(jwt, "iss") != NULL;
    r_jwt_free(jwt);
    return good;
}

static void peer_close(void *state)
{
    r_jwk_free(state);
    r_global_close();
}

const struct bench_contender bench_contenders[] = {
    {"rhonabwy", peer_open, peer_verify, peer_close, NULL}, {.name = NULL}};
