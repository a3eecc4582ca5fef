/* SPDX-License-Identifier: BSD-2-Clause */
/* The signature of a JWS, by EVP, in a context that is kept for the key's next signature. */
#include "common/b64.h"
#include "common/jws.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* The longest signature of any algorithm: ML-DSA-87. */
#define SIGNATURE_MAX 4627
/* Two integers of 66 bytes, each with a sign byte and three of tag and length, in a sequence. */
#define ECDSA_DER_MAX (2 * (66 + 1 + 3) + 4)

static const unsigned char *bytes_of(struct jwta_span span)
{
    return (const unsigned char *)span.data;
}

static enum jwta_code start_mac(struct jwta_key_context *context, struct jwta_key *key)
{
    char digest[16];
    EVP_MAC *mac = NULL;
    OSSL_PARAM params[2] = {OSSL_PARAM_construct_end(), OSSL_PARAM_construct_end()};
    enum jwta_code code = JWTA_CRYPTO;

    memcpy(digest, context->alg->digest, strlen(context->alg->digest) + 1);
    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0);
    mac = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_HMAC, NULL);
    context->mac = mac != NULL ? EVP_MAC_CTX_new(mac) : NULL;
    if (context->mac != NULL && EVP_MAC_init(context->mac, (const unsigned char *)key->secret.data,
                                             key->secret.len, params) == 1)
        code = JWTA_OK;
    EVP_MAC_free(mac);
    return code;
}

/*
 * RSA and ECDSA: the hash apart, then the verification of the hash. EVP_DigestVerifyInit again on
 * a kept context would be shorter, but it puts the padding back to PKCS #1 v1.5 (OpenSSL 3.0): a
 * PS256 context would accept an RS256 signature from its second message on.
 */
static enum jwta_code start_hash(struct jwta_key_context *context, struct jwta_key *key)
{
    const struct jwta_alg *alg = context->alg;

    context->hash = EVP_MD_fetch(NULL, alg->digest, NULL);
    context->digest = EVP_MD_CTX_new();
    context->verify = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
    if (context->hash == NULL || context->digest == NULL || context->verify == NULL ||
        EVP_PKEY_verify_init(context->verify) != 1)
        return JWTA_CRYPTO;
    if (alg->kty == JWTA_KTY_RSA &&
        EVP_PKEY_CTX_set_rsa_padding(context->verify, alg->kind == JWTA_ALG_RSA_PSS
                                                          ? RSA_PKCS1_PSS_PADDING
                                                          : RSA_PKCS1_PADDING) != 1)
        return JWTA_CRYPTO;
    /* Names the hash in the padding, and for PSS in MGF1. */
    if (EVP_PKEY_CTX_set_signature_md(context->verify, context->hash) != 1)
        return JWTA_CRYPTO;
    if (alg->kind == JWTA_ALG_RSA_PSS &&
        EVP_PKEY_CTX_set_rsa_pss_saltlen(context->verify, RSA_PSS_SALTLEN_DIGEST) != 1)
        return JWTA_CRYPTO;
    return JWTA_OK;
}

/* EdDSA and ML-DSA hash within: only the one-shot function will do, begun anew for each message. */
static enum jwta_code start_one_shot(struct jwta_key_context *context, struct jwta_key *key)
{
    context->digest = EVP_MD_CTX_new();
    if (context->digest == NULL)
        return JWTA_MEMORY;
    return EVP_DigestVerifyInit_ex(context->digest, NULL, NULL, NULL, NULL, key->pkey, NULL) == 1
               ? JWTA_OK
               : JWTA_CRYPTO;
}

/*
 * A context: one that was kept, or a new one. Kept contexts are taken out and put back by atomic
 * exchange, so a context never serves two threads.
 */
static enum jwta_code context_take(struct jwta_key *key, const struct jwta_alg *alg,
                                   struct jwta_key_context **out)
{
    static enum jwta_code (*const start[])(struct jwta_key_context *, struct jwta_key *) = {
        [JWTA_ALG_HMAC] = start_mac,       [JWTA_ALG_RSA_PKCS1] = start_hash,
        [JWTA_ALG_RSA_PSS] = start_hash,   [JWTA_ALG_ECDSA] = start_hash,
        [JWTA_ALG_EDDSA] = start_one_shot, [JWTA_ALG_ML_DSA] = start_one_shot,
    };
    struct jwta_key_context *context = NULL;
    enum jwta_code code = JWTA_OK;

    for (size_t i = 0; i < JWTA_KEY_CONTEXTS && context == NULL; i++)
        context = atomic_exchange(&key->kept[i], NULL);
    if (context != NULL && context->alg == alg) {
        *out = context;
        return JWTA_OK;
    }
    jwta_key_context_free(&context);
    context = calloc(1, sizeof(*context));
    if (context == NULL)
        return JWTA_MEMORY;
    context->alg = alg;
    code = start[alg->kind](context, key);
    if (code == JWTA_OK)
        *out = context;
    else
        jwta_key_context_free(&context);
    return code;
}

static void context_give_back(struct jwta_key *key, struct jwta_key_context *context)
{
    for (size_t i = 0; i < JWTA_KEY_CONTEXTS && context != NULL; i++)
        context = atomic_exchange(&key->kept[i], context);
    jwta_key_context_free(&context);
}

/* All of these: 1 verifies, 0 does not, below 0 EVP failed or found the signature malformed. */

static int verify_hash(const struct jwta_key_context *context, const unsigned char *signature,
                       size_t len, struct jwta_span input)
{
    unsigned char hash[EVP_MAX_MD_SIZE];

    if (EVP_DigestInit_ex2(context->digest, context->hash, NULL) != 1 ||
        EVP_DigestUpdate(context->digest, input.data, input.len) != 1 ||
        EVP_DigestFinal_ex(context->digest, hash, NULL) != 1)
        return -1;
    return EVP_PKEY_verify(context->verify, signature, len, hash, context->alg->hash_len);
}

/* ECDSA: JWS has r and s one after the other (RFC 7518 section 3.4), EVP wants them in DER. */
static int verify_ecdsa(const struct jwta_key_context *context, const unsigned char *raw,
                        size_t raw_len, struct jwta_span input)
{
    unsigned char der[ECDSA_DER_MAX];
    unsigned char *end = der;
    int half = (int)(raw_len / 2);
    ECDSA_SIG *signature = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(raw, half, NULL);
    BIGNUM *s = BN_bin2bn(raw + half, half, NULL);
    int verified = -1;

    if (signature == NULL || r == NULL || s == NULL) {
        BN_free(r);
        BN_free(s);
    } else if (ECDSA_SIG_set0(signature, r, s) == 1) {
        int len = i2d_ECDSA_SIG(signature, &end);

        if (len > 0)
            verified = verify_hash(context, der, (size_t)len, input);
    }
    ECDSA_SIG_free(signature);
    return verified;
}

static int verify_mac(EVP_MAC_CTX *context, struct jwta_span signature, struct jwta_span input)
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    size_t len = 0;
    int verified = -1;

    /* NULL: with the key that the context has. */
    if (EVP_MAC_init(context, NULL, 0, NULL) == 1 &&
        EVP_MAC_update(context, bytes_of(input), input.len) == 1 &&
        EVP_MAC_final(context, mac, &len, sizeof(mac)) == 1)
        verified = jwta_secret_equal(jwta_span((const char *)mac, len), signature) ? 1 : 0;
    jwta_wipe(mac, sizeof(mac));
    return verified;
}

static int verify_in(const struct jwta_key_context *context, const unsigned char *raw, size_t len,
                     struct jwta_span input)
{
    switch (context->alg->kind) {
    case JWTA_ALG_HMAC:
        return verify_mac(context->mac, jwta_span((const char *)raw, len), input);
    case JWTA_ALG_RSA_PKCS1:
    case JWTA_ALG_RSA_PSS:
        return verify_hash(context, raw, len, input);
    case JWTA_ALG_ECDSA:
        return verify_ecdsa(context, raw, len, input);
    case JWTA_ALG_EDDSA:
    case JWTA_ALG_ML_DSA:
        /* Without a key: with the one that the context has. These schemes have no padding to lose.
         */
        if (EVP_DigestVerifyInit_ex(context->digest, NULL, NULL, NULL, NULL, NULL, NULL) != 1)
            return -1;
        return EVP_DigestVerify(context->digest, raw, len, bytes_of(input), input.len);
    }
    return -1;
}

/* Whether key may serve alg at all, whatever the caller believes. */
static bool key_serves(const struct jwta_key *key, const struct jwta_alg *alg)
{
    if (key->kty != alg->kty)
        return false;
    if (alg->crv != NULL && (key->crv == NULL || strcmp(key->crv, alg->crv) != 0))
        return false;
    if (alg->kind == JWTA_ALG_ML_DSA && key->only != alg)
        return false;
    if (alg->kind == JWTA_ALG_HMAC)
        return key->pkey == NULL && key->secret.len >= alg->hash_len;
    return key->pkey != NULL && key->secret.data == NULL;
}

enum jwta_code jwta_jws_verify(struct jwta_key *key, const struct jwta_alg *alg,
                               struct jwta_span signing_input, struct jwta_span signature,
                               struct jwta_why *why)
{
    unsigned char raw[SIGNATURE_MAX];
    size_t len = JWTA_B64_DECODED(signature.len);
    size_t expected = alg->signature_len > 0 ? alg->signature_len : key->signature_len;
    struct jwta_key_context *context = NULL;
    enum jwta_code code = JWTA_OK;

    if (!key_serves(key, alg))
        return jwta_fail(why, JWTA_KEY_MISFIT, "the key cannot serve %s", alg->name);
    if (len != expected || len > sizeof(raw))
        return jwta_fail(why, JWTA_SIGNATURE_LENGTH, "signature of %zu bytes, %s needs %zu", len,
                         alg->name, expected);
    if (jwta_b64_decode(signature, raw, &len) != JWTA_OK)
        return jwta_fail(why, JWTA_BASE64, "the signature is not strict base64url");
    (void)ERR_set_mark();
    code = context_take(key, alg, &context);
    if (code != JWTA_OK)
        code = jwta_fail(why, code, "OpenSSL cannot verify %s", alg->name);
    else if (verify_in(context, raw, len, signing_input) != 1)
        code = jwta_fail(why, JWTA_SIGNATURE, "the %s signature does not verify", alg->name);
    (void)ERR_pop_to_mark();
    /* A context that saw a bad signature is not trusted with the next. */
    if (code == JWTA_OK)
        context_give_back(key, context);
    else
        jwta_key_context_free(&context);
    jwta_wipe(raw, len);
    return code;
}

enum jwta_code jwta_jws_verify_any(struct jwta_key *const *keys, size_t count, bool more,
                                   const struct jwta_alg *alg, const struct jwta_jws *jws,
                                   struct jwta_why *why)
{
    enum jwta_code code = JWTA_SIGNATURE;

    for (size_t i = 0; i < count; i++) {
        code = jwta_jws_verify(keys[i], alg, jws->signing_input, jws->signature, why);
        if (code == JWTA_OK || jwta_code_class(code) == JWTA_CLASS_INTERNAL)
            return code;
    }
    if (more)
        return jwta_fail(why, JWTA_KEY_TRIES,
                         "no kid, and none of the first %zu fitting keys verifies", count);
    return code;
}
