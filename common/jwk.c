/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/jwk.h"

#include "common/b64.h"
#include "common/json.h"

#include <openssl/err.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    enum jwta_kty kty;
    bool has_crv;
    /* The members that are the key, in the order of RFC 7638 section 3.2 (by code point). */
    const char *members[4];
} key_types[] = {
    {"RSA", JWTA_KTY_RSA, false, {"e", "kty", "n", NULL}},
    {"EC", JWTA_KTY_EC, true, {"crv", "kty", "x", "y"}},
    {"OKP", JWTA_KTY_OKP, true, {"crv", "kty", "x", NULL}},
    {"oct", JWTA_KTY_OCT, false, {"k", "kty", NULL, NULL}},
    {"AKP", JWTA_KTY_AKP, false, {"alg", "kty", "pub", NULL}},
};

#define KEY_TYPES (sizeof(key_types) / sizeof(key_types[0]))
#define MEMBERS (sizeof(key_types[0].members) / sizeof(key_types[0].members[0]))

/* Whether any implemented algorithm works on this type and curve. */
static bool curve_known(enum jwta_kty kty, struct jwta_span crv)
{
    const struct jwta_alg *alg = NULL;

    for (size_t i = 0; (alg = jwta_alg_at(i)) != NULL; i++) {
        if (alg->kty == kty && alg->crv != NULL && jwta_span_is(crv, alg->crv))
            return true;
    }
    return false;
}

static enum jwta_code read_type(const json_t *json, struct jwta_jwk *out, struct jwta_why *why)
{
    struct jwta_quoted quoted;
    enum jwta_code code = jwta_json_string(json, "kty", JWTA_JWK_MALFORMED, &out->kty_name, why);

    if (code != JWTA_OK)
        return code;
    if (out->kty_name.data == NULL)
        return jwta_fail(why, JWTA_JWK_MALFORMED, "kty is absent");
    for (size_t i = 0; i < KEY_TYPES; i++) {
        if (!jwta_span_is(out->kty_name, key_types[i].name))
            continue;
        out->kty = key_types[i].kty;
        if (!key_types[i].has_crv)
            return JWTA_OK;
        code = jwta_json_string(json, "crv", JWTA_JWK_MALFORMED, &out->crv, why);
        if (code != JWTA_OK)
            return code;
        if (out->crv.data == NULL)
            return jwta_fail(why, JWTA_JWK_MALFORMED, "crv is absent");
        if (!curve_known(out->kty, out->crv))
            return jwta_fail(why, JWTA_JWK_KTY, "curve %s is not implemented for signatures",
                             jwta_quote(&quoted, out->crv));
        return JWTA_OK;
    }
    return jwta_fail(why, JWTA_JWK_KTY, "key type %s is not implemented",
                     jwta_quote(&quoted, out->kty_name));
}

/* RFC 7517 sections 4.2 and 4.3: where they are present, both must allow verifying. */
static enum jwta_code read_use(const json_t *json, struct jwta_why *why)
{
    struct jwta_quoted quoted;
    struct jwta_span use = {0};
    const json_t *operations = json_object_get(json, "key_ops");
    enum jwta_code code = jwta_json_string(json, "use", JWTA_JWK_MALFORMED, &use, why);

    if (code != JWTA_OK)
        return code;
    if (use.data != NULL && !jwta_span_is(use, "sig"))
        return jwta_fail(why, JWTA_JWK_USE, "use is %s, not \"sig\"", jwta_quote(&quoted, use));
    if (operations == NULL)
        return JWTA_OK;
    if (!json_is_array(operations))
        return jwta_fail(why, JWTA_JWK_MALFORMED, "key_ops: expected an array, got %s",
                         jwta_json_type_name(operations));
    for (size_t i = 0; i < json_array_size(operations); i++) {
        if (jwta_span_is(jwta_json_text(json_array_get(operations, i)), "verify"))
            return JWTA_OK;
    }
    return jwta_fail(why, JWTA_JWK_USE, "key_ops does not list \"verify\"");
}

static enum jwta_code read_alg(const json_t *json, struct jwta_jwk *out, struct jwta_why *why)
{
    struct jwta_quoted quoted;
    struct jwta_span name = {0};
    const struct jwta_alg *alg = NULL;
    enum jwta_code code = jwta_json_string(json, "alg", JWTA_JWK_MALFORMED, &name, why);

    if (code != JWTA_OK)
        return code;
    if (name.data == NULL && out->kty == JWTA_KTY_AKP)
        return jwta_fail(why, JWTA_JWK_MALFORMED, "alg is absent, which kty AKP needs");
    if (name.data == NULL)
        return JWTA_OK;
    alg = jwta_alg_find(name);
    if (alg == NULL)
        return jwta_fail(why, JWTA_JWK_ALG, "alg %s is no implemented signature algorithm",
                         jwta_quote(&quoted, name));
    out->alg = alg;
    if (!jwta_jwk_fits(out, alg))
        return jwta_fail(why, JWTA_JWK_ALG, "alg %s does not fit a key of type %.*s", alg->name,
                         (int)out->kty_name.len, out->kty_name.data);
    return JWTA_OK;
}

enum jwta_code jwta_jwk_read(const json_t *json, struct jwta_jwk *out, struct jwta_why *why)
{
    enum jwta_code code = JWTA_OK;

    *out = (struct jwta_jwk){.json = json};
    if (!json_is_object(json))
        return jwta_fail(why, JWTA_JWK_MALFORMED, "a JWK is a JSON object, got %s",
                         jwta_json_type_name(json));
    code = jwta_json_string(json, "kid", JWTA_JWK_MALFORMED, &out->kid, why);
    if (code == JWTA_OK)
        code = read_type(json, out, why);
    if (code == JWTA_OK)
        code = read_use(json, why);
    if (code == JWTA_OK)
        code = read_alg(json, out, why);
    return code;
}

bool jwta_jwk_fits(const struct jwta_jwk *jwk, const struct jwta_alg *alg)
{
    if (jwk->kty != alg->kty)
        return false;
    if (alg->crv != NULL && !jwta_span_is(jwk->crv, alg->crv))
        return false;
    if (jwk->alg == NULL || jwk->alg == alg)
        return true;
    /* EdDSA and the curve's own name are two names of one algorithm (RFC 9864 section 2.2). */
    return alg->kind == JWTA_ALG_EDDSA && jwk->alg->kind == JWTA_ALG_EDDSA &&
           (jwk->alg->crv == NULL || jwta_span_is(jwk->crv, jwk->alg->crv));
}

static const char *const *material_of(enum jwta_kty kty)
{
    for (size_t i = 0; i < KEY_TYPES; i++) {
        if (key_types[i].kty == kty)
            return key_types[i].members;
    }
    return NULL;
}

bool jwta_jwk_same_material(const struct jwta_jwk *a, const struct jwta_jwk *b)
{
    const char *const *members = material_of(a->kty);

    if (a->kty != b->kty || members == NULL)
        return false;
    for (size_t i = 0; i < MEMBERS && members[i] != NULL; i++) {
        if (!jwta_secret_equal(jwta_json_text(json_object_get(a->json, members[i])),
                               jwta_json_text(json_object_get(b->json, members[i]))))
            return false;
    }
    return true;
}

enum jwta_code jwta_jwk_thumbprint(const struct jwta_jwk *jwk, char *out)
{
    const char *const *members = material_of(jwk->kty);
    unsigned char digest[SHA256_DIGEST_LENGTH];
    json_t *canonical = json_object();
    char *text = NULL;
    bool hashed = false;
    enum jwta_code code = JWTA_MEMORY;

    if (canonical == NULL || members == NULL)
        goto out;
    for (size_t i = 0; i < MEMBERS && members[i] != NULL; i++) {
        json_t *value = json_object_get(jwk->json, members[i]);

        if (!json_is_string(value)) {
            code = JWTA_JWK_MALFORMED;
            goto out;
        }
        if (json_object_set_new(canonical, members[i], json_copy(value)) != 0)
            goto out;
    }
    text = json_dumps(canonical, JSON_COMPACT | JSON_SORT_KEYS);
    if (text == NULL)
        goto out;
    (void)ERR_set_mark();
    hashed = EVP_Q_digest(NULL, "SHA256", NULL, text, strlen(text), digest, NULL) == 1;
    (void)ERR_pop_to_mark();
    if (!hashed) {
        code = JWTA_CRYPTO;
        goto out;
    }
    jwta_b64_encode(digest, sizeof(digest), out);
    code = JWTA_OK;
out:
    jwta_wipe_string(text);
    json_decref(canonical);
    return code;
}
