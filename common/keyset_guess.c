/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/keyset_guess.h"

#include <string.h>

/* What texts that are no JSON begin with. */
static const struct {
    const char *begin;
    const char *guess;
} beginnings[] = {
    {"-----BEGIN ", "it looks like PEM; write the public key as a JWK (RFC 7517)"},
    {"ssh-", "it looks like a key of OpenSSH; write it as a JWK (RFC 7517)"},
    {"<", "it looks like a web page (HTML); get the keys from the issuer's jwks_uri"},
    {"eyJ", "it looks like a token; get the keys from the issuer's jwks_uri"},
};

static const char *guess_text(struct jwta_span text)
{
    while (text.len > 0 && memchr(" \t\r\n", text.data[0], 4) != NULL) {
        text.data++;
        text.len--;
    }
    if (text.len == 0)
        return "it is empty";
    for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++) {
        size_t len = strlen(beginnings[i].begin);

        if (text.len >= len && memcmp(text.data, beginnings[i].begin, len) == 0)
            return beginnings[i].guess;
    }
    return NULL;
}

static const char *guess_json(const json_t *root)
{
    if (json_object_get(root, "jwks_uri") != NULL)
        return "it is an issuer's metadata; get the keys from its jwks_uri";
    if (json_object_get(root, "error") != NULL)
        return "it is an error message of a server";
    return NULL;
}

void jwta_keyset_guess(struct jwta_span text, const json_t *root, struct jwta_why *why)
{
    const char *guess = root != NULL ? guess_json(root) : guess_text(text);

    if (guess != NULL)
        (void)jwta_fail(why, JWTA_KEYS_UNAVAILABLE, "no JSON of a JWK set: %s", guess);
}
