/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cjose: import, verify, payload. It gives the payload as bytes, so its users parse the claims
 * themselves, with jansson, which it is built on, too. That is part of the figure, since the
 * other peers and we come back with claims; cjose alone is a remark.
 */
#include "contender.h"

#include <cjose/cjose.h>
#include <jansson.h>
#include <string.h>

static enum bench_ready peer_open(const struct bench_case *given, void **state)
{
    cjose_err error;

    if (strcmp(given->algorithm, "EdDSA") == 0)
        return BENCH_LACKS;
    *state = cjose_jwk_import(given->jwk, strlen(given->jwk), &error);
    return *state != NULL ? BENCH_READY : BENCH_BROKEN;
}

static bool verify(void *state, const struct bench_token *token, bool claims)
{
    cjose_err error;
    uint8_t *payload = NULL;
    size_t len = 0;
    json_t *parsed = NULL;
    bool good = false;
    cjose_jws_t *jws = cjose_jws_import(token->text, token->len, &error);

    if (jws == NULL)
        return false;
    good = cjose_jws_verify(jws, state, &error) &&
           cjose_jws_get_plaintext(jws, &payload, &len, &error) && len > 0;
    if (good && claims) {
        parsed = json_loadb((const char *)payload, len, JSON_REJECT_DUPLICATES, NULL);
        good = json_is_string(json_object_get(parsed, "iss"));
        json_decref(parsed);
    }
    cjose_jws_release(jws);
    return good;
}

static bool verify_with_claims(void *state, const struct bench_token *token)
{
    return verify(state, token, true);
}

static bool verify_alone(void *state, const struct bench_token *token)
{
    return verify(state, token, false);
}

static void peer_close(void *state)
{
    cjose_jwk_release(state);
}

const struct bench_contender bench_contenders[] = {
    {"cjose", peer_open, verify_with_claims, peer_close, NULL},
    {"cjose_alone", peer_open, verify_alone, peer_close, "its payload left as bytes"},
    {.name = NULL}};
