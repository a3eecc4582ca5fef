/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A login on OpenSSL and jansson in a module that is linked with libcurl and initialises it, as
 * every module does that can fetch keys by itself. It fetches nothing here: the set is a file.
 */
#include "rival.h"

#include <curl/curl.h>
#include <jansson.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Decodes base64url; NULL when it is none. The caller frees. */
static unsigned char *decode(const char *text, size_t len, size_t *out_len)
{
    size_t padded = (len + 3) / 4 * 4;
    char *copy = malloc(padded + 1);
    unsigned char *bytes = malloc(padded / 4 * 3 + 1);
    int decoded = -1;

    if (copy != NULL && bytes != NULL) {
        memset(copy, '=', padded);
        for (size_t i = 0; i < len; i++)
            copy[i] = text[i] == '-' ? '+' : (text[i] == '_' ? '/' : text[i]);
        decoded = EVP_DecodeBlock(bytes, (const unsigned char *)copy, (int)padded);
    }
    free(copy);
    if (decoded < (int)(padded - len)) {
        free(bytes);
        return NULL;
    }
    *out_len = (size_t)decoded - (padded - len);
    bytes[*out_len] = '\0';
    return bytes;
}

static json_t *decode_json(const char *text, size_t len)
{
    size_t bytes_len = 0;
    unsigned char *bytes = decode(text, len, &bytes_len);
    json_t *json = NULL;

    if (bytes != NULL)
        json = json_loadb((const char *)bytes, bytes_len, JSON_REJECT_DUPLICATES, NULL);
    free(bytes);
    return json;
}

static BIGNUM *number(const json_t *jwk, const char *name)
{
    const char *text = json_string_value(json_object_get(jwk, name));
    size_t len = 0;
    unsigned char *bytes = text != NULL ? decode(text, strlen(text), &len) : NULL;
    BIGNUM *value = bytes != NULL ? BN_bin2bn(bytes, (int)len, NULL) : NULL;

    free(bytes);
    return value;
}

static EVP_PKEY *import(const json_t *jwk)
{
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    OSSL_PARAM *params = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    EVP_PKEY *key = NULL;
    BIGNUM *n = number(jwk, "n");
    BIGNUM *e = number(jwk, "e");

    if (builder != NULL && context != NULL && n != NULL && e != NULL &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) == 1 &&
        (params = OSSL_PARAM_BLD_to_param(builder)) != NULL && EVP_PKEY_fromdata_init(context) == 1)
        (void)EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(builder);
    EVP_PKEY_CTX_free(context);
    BN_free(n);
    BN_free(e);
    return key;
}

/* The key of this kid in the set, or NULL. */
static EVP_PKEY *find(const json_t *set, const char *kid)
{
    const json_t *jwk = NULL;
    size_t index = 0;

    json_array_foreach(json_object_get(set, "keys"), index, jwk)
    {
        const char *name = json_string_value(json_object_get(jwk, "kid"));

        if (name != NULL && kid != NULL && strcmp(name, kid) == 0)
            return import(jwk);
    }
    return NULL;
}

static bool signature_holds(EVP_PKEY *key, const char *token, const char *last)
{
    size_t len = 0;
    unsigned char *signature = decode(last + 1, strlen(last + 1), &len);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = signature != NULL && context != NULL &&
                EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
                EVP_DigestVerify(context, signature, len, (const unsigned char *)token,
                                 (size_t)(last - token)) == 1;

    EVP_MD_CTX_free(context);
    free(signature);
    return good;
}

bool rival_verify(const char *path, const char *token, const char *user)
{
    const char *first = strchr(token, '.');
    const char *last = strrchr(token, '.');
    json_t *set = NULL;
    json_t *header = NULL;
    json_t *payload = NULL;
    EVP_PKEY *key = NULL;
    const char *algorithm = NULL;
    const char *name = NULL;
    bool good = false;

    if (first == last || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return false;
    set = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    header = decode_json(token, (size_t)(first - token));
    payload = decode_json(first + 1, (size_t)(last - first - 1));
    algorithm = json_string_value(json_object_get(header, "alg"));
    key = find(set, json_string_value(json_object_get(header, "kid")));
    name = json_string_value(json_object_get(payload, "preferred_username"));
    good = algorithm != NULL && strcmp(algorithm, "RS256") == 0 && key != NULL &&
           signature_holds(key, token, last) &&
           json_integer_value(json_object_get(payload, "exp")) > time(NULL) && name != NULL &&
           strcmp(name, user) == 0;
    EVP_PKEY_free(key);
    json_decref(set);
    json_decref(header);
    json_decref(payload);
    curl_global_cleanup();
    return good;
}
