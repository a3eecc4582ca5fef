/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/jws.h"

#include "common/b64.h"
#include "common/json.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum jwta_code jwta_jws_split(struct jwta_span token, struct jwta_jws *out, struct jwta_why *why)
{
    struct jwta_span part[3] = {{0}};
    struct jwta_span rest = token;
    const char *period = NULL;
    size_t parts = 0;

    if (token.data == NULL || token.len == 0)
        return jwta_fail(why, JWTA_NOT_JWT, "the token is empty");
    if (token.len > JWTA_TOKEN_MAX)
        return jwta_fail(why, JWTA_TOO_LARGE, "%zu bytes, at most %d are accepted", token.len,
                         JWTA_TOKEN_MAX);
    do {
        size_t len = rest.len;

        period = len > 0 ? memchr(rest.data, '.', len) : NULL;
        if (period != NULL)
            len = (size_t)(period - rest.data);
        if (parts < 3)
            part[parts] = jwta_span(rest.data, len);
        parts++;
        rest = jwta_span(rest.data + len + (period != NULL), rest.len - len - (period != NULL));
    } while (period != NULL);
    if (parts == 5)
        return jwta_fail(why, JWTA_JWE, "five parts: an encrypted token (JWE) is not supported");
    if (parts != 3)
        return jwta_fail(why, JWTA_NOT_JWT, "%zu part%s in %zu bytes, a JWT has three%s", parts,
                         parts == 1 ? "" : "s", token.len, parts == 2 ? " (was it cut?)" : "");
    if (part[0].len == 0)
        return jwta_fail(why, JWTA_NOT_JWT, "the header is empty");
    for (size_t i = 0; i < 3; i++) {
        if (!jwta_b64_alphabet(part[i]))
            return jwta_fail(why, JWTA_NOT_JWT,
                             "part %zu has a character outside the base64url alphabet", i + 1);
        /* Else a token that was changed in bits that decode to nothing would be taken for it. */
        if (!jwta_b64_canonical(part[i]))
            return jwta_fail(why, JWTA_BASE64, "part %zu is not strict base64url", i + 1);
    }
    if (part[0].len > JWTA_HEADER_MAX)
        return jwta_fail(why, JWTA_HEADER_TOO_LARGE, "header of %zu bytes, at most %d are accepted",
                         part[0].len, JWTA_HEADER_MAX);
    out->header = part[0];
    out->payload = part[1];
    out->signature = part[2];
    out->signing_input = jwta_span(token.data, part[0].len + 1 + part[1].len);
    return JWTA_OK;
}

bool jwta_jws_shape(struct jwta_span credential)
{
    size_t periods = 0;

    if (credential.len < 3 || memcmp(credential.data, "eyJ", 3) != 0)
        return false;
    for (size_t i = 0; i < credential.len; i++) {
        if (credential.data[i] == '.')
            periods++;
        else if (!jwta_b64_alphabet(jwta_span(credential.data + i, 1)))
            return false;
    }
    return periods == 2;
}

/* Whether an encoded JSON object begins here: {" or { and white space. */
static bool object_begins(struct jwta_span text)
{
    static const char *const beginnings[] = {"eyJ", "eyA", "ewo", "ewk", "ew0"};

    for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++) {
        if (text.len >= 3 && memcmp(text.data, beginnings[i], 3) == 0)
            return true;
    }
    return false;
}

/* Whether a token begins here: an object as long as a header, then another or a second period. */
static bool token_begins(struct jwta_span text)
{
    size_t run = jwta_b64_run(text);
    struct jwta_span rest = {0};

    /* No header is shorter: `{"alg":""}` encoded, less the last characters. */
    if (run < 12 || run == text.len || text.data[run] != '.' || !object_begins(text))
        return false;
    rest = jwta_span(text.data + run + 1, text.len - run - 1);
    return object_begins(rest) || memchr(rest.data, '.', rest.len) != NULL;
}

bool jwta_jws_resembled(struct jwta_span credential)
{
    struct jwta_span rest = credential;

    while (rest.len > 0) {
        size_t run = jwta_b64_run(rest);

        if (token_begins(rest))
            return true;
        run += run < rest.len; /* what ends the run */
        rest = jwta_span(rest.data + run, rest.len - run);
    }
    return jwta_jws_shape(credential);
}

/* alg (RFC 7515 section 4.1.1): a known name, exactly as registered. */
static enum jwta_code read_alg(struct jwta_header *header, struct jwta_why *why)
{
    struct jwta_quoted quoted;
    struct jwta_span name = {0};
    enum jwta_code code = jwta_json_string(header->json, "alg", JWTA_HEADER_TYPE, &name, why);

    if (code != JWTA_OK)
        return code;
    if (name.data == NULL)
        return jwta_fail(why, JWTA_ALG_MISSING, "alg is absent");
    if (name.len == 4 && strncasecmp(name.data, "none", 4) == 0)
        return jwta_fail(why, JWTA_ALG_NONE, "alg is %s: the token is not signed",
                         jwta_quote(&quoted, name));
    header->alg = jwta_alg_find(name);
    if (header->alg == NULL)
        return jwta_fail(why, JWTA_ALG_UNKNOWN, "alg %s is not implemented",
                         jwta_quote(&quoted, name));
    return JWTA_OK;
}

/*
 * crit (RFC 7515 section 4.1.11): no extension is implemented, so each name in it is one too many,
 * and a crit that is no list of names is not valid either. b64 (RFC 7797) changes what is signed.
 */
static enum jwta_code read_extensions(const struct jwta_header *header, struct jwta_why *why)
{
    struct jwta_quoted quoted;
    const json_t *crit = json_object_get(header->json, "crit");
    const json_t *b64 = json_object_get(header->json, "b64");

    if (b64 != NULL && !json_is_true(b64))
        return jwta_fail(why, JWTA_B64_HEADER, "b64 is not true: an unencoded payload");
    if (crit != NULL)
        return jwta_fail(why, JWTA_CRIT, "crit lists %s, which is not implemented",
                         jwta_quote(&quoted, jwta_json_text(json_array_get(crit, 0))));
    return JWTA_OK;
}

static enum jwta_code read_json(struct jwta_span encoded, json_t **out, struct jwta_why *why)
{
    unsigned char text[JWTA_B64_DECODED(JWTA_HEADER_MAX)];
    size_t len = 0;
    enum jwta_code code = JWTA_OK;

    if (encoded.len > JWTA_HEADER_MAX)
        return jwta_fail(why, JWTA_HEADER_TOO_LARGE, "header of %zu bytes", encoded.len);
    if (jwta_b64_decode(encoded, text, &len) != JWTA_OK)
        return jwta_fail(why, JWTA_BASE64, "the header is not strict base64url");
    code = jwta_json_parse(jwta_span((const char *)text, len), JWTA_HEADER_DEPTH, JWTA_HEADER_JSON,
                           out, why);
    jwta_wipe(text, len);
    return code;
}

enum jwta_code jwta_header_read(struct jwta_span encoded, struct jwta_header **out,
                                struct jwta_why *why)
{
    struct jwta_header *header = calloc(1, sizeof(*header));
    enum jwta_code code = JWTA_OK;

    if (header == NULL)
        return jwta_fail(why, JWTA_MEMORY, "out of memory");
    atomic_init(&header->references, 1);
    code = read_json(encoded, &header->json, why);
    if (code == JWTA_OK)
        code = read_alg(header, why);
    if (code == JWTA_OK)
        code = read_extensions(header, why);
    if (code == JWTA_OK)
        code = jwta_json_string(header->json, "kid", JWTA_HEADER_TYPE, &header->kid, why);
    if (code == JWTA_OK)
        code = jwta_json_string(header->json, "typ", JWTA_HEADER_TYPE, &header->typ, why);
    if (code == JWTA_OK) {
        *out = header;
        header = NULL;
    }
    jwta_header_unref(&header);
    return code;
}

struct jwta_header *jwta_header_ref(struct jwta_header *header)
{
    (void)atomic_fetch_add(&header->references, 1);
    return header;
}

void jwta_header_unref(struct jwta_header **header)
{
    if (*header != NULL && atomic_fetch_sub(&(*header)->references, 1) == 1) {
        json_decref((*header)->json);
        free(*header);
    }
    *header = NULL;
}
