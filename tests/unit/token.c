/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/token.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { KIND_HMAC, KIND_RSA, KIND_PSS, KIND_EC, KIND_OKP };

static const struct algorithm {
    const char *name;
    enum kind kind;
    const char *crv;     /* as the JWK writes it */
    const char *openssl; /* OpenSSL's name of the curve or key type */
    const char *digest;
    size_t size; /* EC: bytes of a coordinate; HMAC: bytes of a new secret */
} algorithms[] = {
    {"HS256", KIND_HMAC, NULL, NULL, "SHA256", 32},
    {"HS384", KIND_HMAC, NULL, NULL, "SHA384", 48},
    {"HS512", KIND_HMAC, NULL, NULL, "SHA512", 64},
    {"RS256", KIND_RSA, NULL, NULL, "SHA256", 0},
    {"RS384", KIND_RSA, NULL, NULL, "SHA384", 0},
    {"RS512", KIND_RSA, NULL, NULL, "SHA512", 0},
    {"PS256", KIND_PSS, NULL, NULL, "SHA256", 0},
    {"PS384", KIND_PSS, NULL, NULL, "SHA384", 0},
    {"PS512", KIND_PSS, NULL, NULL, "SHA512", 0},
    {"ES256", KIND_EC, "P-256", "P-256", "SHA256", 32},
    {"ES384", KIND_EC, "P-384", "P-384", "SHA384", 48},
    {"ES512", KIND_EC, "P-521", "P-521", "SHA512", 66},
    {"ES256K", KIND_EC, "secp256k1", "secp256k1", "SHA256", 32},
    {"EdDSA", KIND_OKP, "Ed25519", "ED25519", NULL, 32},
    {"Ed25519", KIND_OKP, "Ed25519", "ED25519", NULL, 32},
    {"Ed448", KIND_OKP, "Ed448", "ED448", NULL, 57},
};

struct test_key {
    const struct algorithm *alg;
    EVP_PKEY *pkey;
    unsigned char *secret;
    size_t secret_len;
};

static void must(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "test token maker: %s failed\n", what);
        abort();
    }
}

static void *new_bytes(size_t size)
{
    void *bytes = calloc(1, size > 0 ? size : 1);

    must(bytes != NULL, "calloc");
    return bytes;
}

static const struct algorithm *find(const char *name)
{
    for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++)
        if (strcmp(algorithms[i].name, name) == 0)
            return &algorithms[i];
    must(false, name);
    return NULL;
}

char *test_format(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    int len = 0;

    va_start(args, format);
    len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    must(len >= 0, "vsnprintf");
    text = new_bytes((size_t)len + 1);
    va_start(args, format);
    vsnprintf(text, (size_t)len + 1, format, args);
    va_end(args);
    return text;
}

char *test_b64(const void *bytes, size_t len)
{
    char *text = new_bytes(len / 3 * 4 + 8);
    size_t end = (size_t)EVP_EncodeBlock((unsigned char *)text, bytes, (int)len);

    while (end > 0 && text[end - 1] == '=')
        end--;
    text[end] = '\0';
    for (size_t i = 0; i < end; i++) {
        if (text[i] == '+')
            text[i] = '-';
        else if (text[i] == '/')
            text[i] = '_';
    }
    return text;
}

struct test_key *test_key_secret(const char *alg, const void *secret, size_t len)
{
    struct test_key *key = new_bytes(sizeof(*key));

    key->alg = find(alg);
    key->secret = new_bytes(len);
    if (len > 0)
        memcpy(key->secret, secret, len);
    key->secret_len = len;
    return key;
}

struct test_key *test_key_rsa(unsigned bits)
{
    struct test_key *key = new_bytes(sizeof(*key));

    key->alg = find("RS256");
    key->pkey = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)bits);
    must(key->pkey != NULL, "RSA key");
    return key;
}

struct test_key *test_key_new(const char *alg)
{
    const struct algorithm *found = find(alg);
    unsigned char secret[64] = {0};
    struct test_key *key = NULL;

    switch (found->kind) {
    case KIND_HMAC:
        must(RAND_bytes(secret, (int)found->size) == 1, "RAND_bytes");
        return test_key_secret(alg, secret, found->size);
    case KIND_RSA:
    case KIND_PSS:
        key = test_key_rsa(2048);
        break;
    case KIND_EC:
        key = new_bytes(sizeof(*key));
        key->pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", found->openssl);
        break;
    case KIND_OKP:
        key = new_bytes(sizeof(*key));
        key->pkey = EVP_PKEY_Q_keygen(NULL, NULL, found->openssl);
        break;
    }
    must(key != NULL && key->pkey != NULL, "key");
    key->alg = found;
    return key;
}

void test_key_free(struct test_key **key)
{
    if (key == NULL || *key == NULL)
        return;
    EVP_PKEY_free((*key)->pkey);
    free((*key)->secret);
    free(*key);
    *key = NULL;
}

/* A number of the key as base64url, padded on the left to size bytes (0: as short as it is). */
static char *number(const EVP_PKEY *pkey, const char *name, size_t size)
{
    BIGNUM *value = NULL;
    unsigned char *bytes = NULL;
    char *text = NULL;

    must(EVP_PKEY_get_bn_param(pkey, name, &value) == 1, name);
    if (size == 0)
        size = (size_t)BN_num_bytes(value);
    bytes = new_bytes(size);
    must(BN_bn2binpad(value, bytes, (int)size) == (int)size, "BN_bn2binpad");
    text = test_b64(bytes, size);
    free(bytes);
    BN_free(value);
    return text;
}

/* The members that are the key itself. */
static char *material(const struct test_key *key)
{
    unsigned char raw[64] = {0};
    size_t raw_len = sizeof(raw);
    char *first = NULL;
    char *second = NULL;
    char *text = NULL;

    switch (key->alg->kind) {
    case KIND_HMAC:
        first = test_b64(key->secret, key->secret_len);
        text = test_format("\"kty\":\"oct\",\"k\":\"%s\"", first);
        break;
    case KIND_RSA:
    case KIND_PSS:
        first = number(key->pkey, OSSL_PKEY_PARAM_RSA_N, 0);
        second = number(key->pkey, OSSL_PKEY_PARAM_RSA_E, 0);
        text = test_format("\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"%s\"", first, second);
        break;
    case KIND_EC:
        first = number(key->pkey, OSSL_PKEY_PARAM_EC_PUB_X, key->alg->size);
        second = number(key->pkey, OSSL_PKEY_PARAM_EC_PUB_Y, key->alg->size);
        text = test_format("\"kty\":\"EC\",\"crv\":\"%s\",\"x\":\"%s\",\"y\":\"%s\"", key->alg->crv,
                           first, second);
        break;
    case KIND_OKP:
        must(EVP_PKEY_get_raw_public_key(key->pkey, raw, &raw_len) == 1, "public key");
        first = test_b64(raw, raw_len);
        text = test_format("\"kty\":\"OKP\",\"crv\":\"%s\",\"x\":\"%s\"", key->alg->crv, first);
        break;
    }
    free(first);
    free(second);
    return text;
}

char *test_key_jwk(const struct test_key *key, const char *kid, const char *alg)
{
    char *members = material(key);
    char *text = test_format("{%s%s%s%s%s%s%s}", members, kid != NULL ? ",\"kid\":\"" : "",
                             kid != NULL ? kid : "", kid != NULL ? "\"" : "",
                             alg != NULL ? ",\"alg\":\"" : "", alg != NULL ? alg : "",
                             alg != NULL ? "\"" : "");

    free(members);
    return text;
}

char *test_key_jwks(const struct test_key *key, const char *kid, const char *alg)
{
    char *jwk = test_key_jwk(key, kid, alg);
    char *text = test_format("{\"keys\":[%s]}", jwk);

    free(jwk);
    return text;
}

char *test_key_pem(const struct test_key *key)
{
    BIO *out = BIO_new(BIO_s_mem());
    char *data = NULL;
    char *text = NULL;
    long len = 0;

    must(out != NULL && key->pkey != NULL, "PEM");
    must(PEM_write_bio_PUBKEY(out, key->pkey) == 1, "PEM");
    len = BIO_get_mem_data(out, &data);
    text = test_format("%.*s", (int)len, data);
    BIO_free(out);
    return text;
}

/* DER to r and s of fixed length, one after the other (RFC 7518 section 3.4). */
static size_t raw_ecdsa(const unsigned char *der, size_t der_len, size_t size, unsigned char *out)
{
    const unsigned char *at = der;
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)der_len);

    must(pair != NULL, "ECDSA signature");
    must(BN_bn2binpad(ECDSA_SIG_get0_r(pair), out, (int)size) == (int)size, "r");
    must(BN_bn2binpad(ECDSA_SIG_get0_s(pair), out + size, (int)size) == (int)size, "s");
    ECDSA_SIG_free(pair);
    return 2 * size;
}

/* Signs input; out has room for the longest signature there is here. */
#define SIGNATURE_ROOM 2048

static size_t sign_bytes(const struct test_key *key, const struct algorithm *alg, int salt,
                         const char *input, size_t input_len, unsigned char *out)
{
    EVP_PKEY_CTX *options = NULL;
    EVP_MD_CTX *context = NULL;
    unsigned char der[SIGNATURE_ROOM] = {0};
    size_t len = SIGNATURE_ROOM;

    if (alg->kind == KIND_HMAC) {
        must(key->secret != NULL, "a secret for HMAC");
        must(EVP_Q_mac(NULL, "HMAC", NULL, alg->digest, NULL, key->secret, key->secret_len,
                       (const unsigned char *)input, input_len, out, len, &len) != NULL,
             "HMAC");
        return len;
    }
    context = EVP_MD_CTX_new();
    must(context != NULL && key->pkey != NULL, "a key pair");
    must(EVP_DigestSignInit_ex(context, &options, alg->digest, NULL, NULL, key->pkey, NULL) == 1,
         "EVP_DigestSignInit_ex");
    if (alg->kind == KIND_PSS) {
        must(EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1, "PSS");
        must(EVP_PKEY_CTX_set_rsa_pss_saltlen(options, salt) == 1, "salt");
    }
    must(EVP_DigestSign(context, alg->kind == KIND_EC ? der : out, &len,
                        (const unsigned char *)input, input_len) == 1,
         "EVP_DigestSign");
    if (alg->kind == KIND_EC)
        len = raw_ecdsa(der, len, key->alg->size, out);
    EVP_MD_CTX_free(context);
    return len;
}

char *test_sign_salt(const struct test_key *key, const char *alg, const char *input, int salt)
{
    unsigned char signature[SIGNATURE_ROOM] = {0};
    size_t len = sign_bytes(key, find(alg), salt, input, strlen(input), signature);
    char *encoded = test_b64(signature, len);
    char *token = test_format("%s.%s", input, encoded);

    free(encoded);
    return token;
}

char *test_sign_input(const struct test_key *key, const char *alg, const char *input)
{
    return test_sign_salt(key, alg, input, RSA_PSS_SALTLEN_DIGEST);
}

char *test_sign_bytes(const struct test_key *key, const char *alg, const void *header,
                      size_t header_len, const void *payload, size_t payload_len)
{
    char *first = test_b64(header, header_len);
    char *second = test_b64(payload, payload_len);
    char *input = test_format("%s.%s", first, second);
    char *token = test_sign_input(key, alg, input);

    free(first);
    free(second);
    free(input);
    return token;
}

char *test_sign_as(const struct test_key *key, const char *alg, const char *header,
                   const char *payload)
{
    return test_sign_bytes(key, alg, header, strlen(header), payload, strlen(payload));
}

char *test_sign(const struct test_key *key, const char *header, const char *payload)
{
    return test_sign_as(key, key->alg->name, header, payload);
}
