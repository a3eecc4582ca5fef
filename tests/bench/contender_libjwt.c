/* SPDX-License-Identifier: BSD-2-Clause */
/* libjwt of Debian 12 (1.10): its API takes the PEM text with every token and keeps no key. */
#include "contender.h"

#include <jwt.h>
#include <stdlib.h>
#include <string.h>

struct state {
    unsigned char *key;
    int key_len;
    jwt_alg_t algorithm;
};

static void peer_close(void *opaque)
{
    struct state *state = opaque;

    free(state->key);
    free(state);
}

static enum bench_ready peer_open(const struct bench_case *given, void **out)
{
    struct state *state = NULL;
    const void *key = given->pem != NULL ? (const void *)given->pem : given->secret;
    size_t len = given->pem != NULL ? strlen(given->pem) : given->secret_len;
    jwt_alg_t algorithm = JWT_ALG_NONE;

    if (strcmp(given->algorithm, "HS256") == 0)
        algorithm = JWT_ALG_HS256;
    else if (strcmp(given->algorithm, "RS256") == 0)
        algorithm = JWT_ALG_RS256;
    else if (strcmp(given->algorithm, "ES256") == 0)
        algorithm = JWT_ALG_ES256;
    else
        return BENCH_LACKS;
    state = calloc(1, sizeof(*state));
    if (state == NULL)
        return BENCH_BROKEN;
    state->key = malloc(len);
    if (state->key == NULL) {
        free(state);
        return BENCH_BROKEN;
    }
    memcpy(state->key, key, len);
    state->key_len = (int)len;
    state->algorithm = algorithm;
    *out = state;
    return BENCH_READY;
}

static bool peer_verify(void *opaque, const struct bench_token *token)
{
    const struct state *state = opaque;
    jwt_t *jwt = NULL;
    bool good = false;

    if (jwt_decode(&jwt, token->text, state->key, state->key_len) != 0)
        return false;
    good = jwt_get_alg(jwt) == state->algorithm && jwt_get_grant(jwt, "iss") != NULL;
    jwt_free(jwt);
    return good;
}

const struct bench_contender bench_contenders[] = {
    {"libjwt", peer_open, peer_verify, peer_close, NULL}, {.name = NULL}};
