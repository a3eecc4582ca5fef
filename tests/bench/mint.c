/* SPDX-License-Identifier: BSD-2-Clause */
#include "mint.h"

#include <fcntl.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COORDINATE 32

_Noreturn void mint_die(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    fputs("bench: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

char *mint_text(const char *format, ...)
{
    va_list arguments;
    char *text = NULL;

    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0)
        mint_die("out of memory");
    va_end(arguments);
    return text;
}

void mint_file(const char *path, unsigned mode, const char *format, ...)
{
    va_list arguments;
    int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

    va_start(arguments, format);
    if (descriptor < 0 || fchmod(descriptor, mode) != 0 ||
        vdprintf(descriptor, format, arguments) < 0 || close(descriptor) != 0)
        mint_die("cannot write %s", path);
    va_end(arguments);
}

static void need(bool good, const char *what)
{
    if (!good)
        mint_die("OpenSSL: %s failed", what);
}

static char *encode(const unsigned char *bytes, size_t len)
{
    char *text = malloc(len / 3 * 4 + 5);
    size_t end = 0;

    if (text == NULL)
        mint_die("out of memory");
    end = (size_t)EVP_EncodeBlock((unsigned char *)text, bytes, (int)len);
    while (end > 0 && text[end - 1] == '=')
        text[--end] = '\0';
    for (char *at = text; *at != '\0'; at++) {
        if (*at == '+')
            *at = '-';
        else if (*at == '/')
            *at = '_';
    }
    return text;
}

/* A number of the key, base64url; size 0: as long as it is (RSA), else of that length (EC). */
static char *encode_number(const EVP_PKEY *pkey, const char *name, size_t size)
{
    BIGNUM *number = NULL;
    unsigned char bytes[1024];
    char *text = NULL;

    need(EVP_PKEY_get_bn_param(pkey, name, &number) == 1, name);
    if (size == 0)
        size = (size_t)BN_num_bytes(number);
    need(size <= sizeof(bytes) && BN_bn2binpad(number, bytes, (int)size) == (int)size, name);
    text = encode(bytes, size);
    BN_free(number);
    return text;
}

static char *jwk_of(const struct mint_key *key)
{
    unsigned char raw[COORDINATE];
    size_t len = sizeof(raw);
    char *first = NULL;
    char *second = NULL;
    char *jwk = NULL;

    if (key->pkey == NULL) {
        first = encode(key->secret, sizeof(key->secret));
        jwk = mint_text("{\"kty\":\"oct\",\"alg\":\"%s\",\"kid\":\"%s\",\"k\":\"%s\"}",
                        key->algorithm, key->kid, first);
    } else if (EVP_PKEY_is_a(key->pkey, "RSA")) {
        first = encode_number(key->pkey, OSSL_PKEY_PARAM_RSA_N, 0);
        second = encode_number(key->pkey, OSSL_PKEY_PARAM_RSA_E, 0);
        jwk =
            mint_text("{\"kty\":\"RSA\",\"use\":\"sig\",\"alg\":\"%s\",\"kid\":\"%s\",\"n\":\"%s\","
                      "\"e\":\"%s\"}",
                      key->algorithm, key->kid, first, second);
    } else if (EVP_PKEY_is_a(key->pkey, "EC")) {
        first = encode_number(key->pkey, OSSL_PKEY_PARAM_EC_PUB_X, COORDINATE);
        second = encode_number(key->pkey, OSSL_PKEY_PARAM_EC_PUB_Y, COORDINATE);
        jwk = mint_text("{\"kty\":\"EC\",\"use\":\"sig\",\"alg\":\"%s\",\"crv\":\"P-256\","
                        "\"kid\":\"%s\",\"x\":\"%s\",\"y\":\"%s\"}",
                        key->algorithm, key->kid, first, second);
    } else {
        need(EVP_PKEY_get_raw_public_key(key->pkey, raw, &len) == 1, "raw public key");
        first = encode(raw, len);
        jwk = mint_text("{\"kty\":\"OKP\",\"use\":\"sig\",\"alg\":\"%s\",\"crv\":\"Ed25519\","
                        "\"kid\":\"%s\",\"x\":\"%s\"}",
                        key->algorithm, key->kid, first);
    }
    free(first);
    free(second);
    return jwk;
}

static char *pem_of(const struct mint_key *key)
{
    BIO *memory = BIO_new(BIO_s_mem());
    char *data = NULL;
    char *text = NULL;
    long len = 0;

    need(memory != NULL && PEM_write_bio_PUBKEY(memory, key->pkey) == 1, "PEM");
    len = BIO_get_mem_data(memory, &data);
    text = mint_text("%.*s", (int)len, data);
    BIO_free(memory);
    return text;
}

struct mint_key *mint_key(const char *algorithm, const char *kid)
{
    struct mint_key *key = calloc(1, sizeof(*key));

    if (key == NULL)
        mint_die("out of memory");
    key->algorithm = algorithm;
    key->kid = kid;
    if (strcmp(algorithm, "HS256") == 0)
        need(RAND_bytes(key->secret, sizeof(key->secret)) == 1, "RAND_bytes");
    else if (strcmp(algorithm, "ES256") == 0)
        key->pkey = EVP_EC_gen("P-256");
    else if (strcmp(algorithm, "EdDSA") == 0)
        key->pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    else
        key->pkey = EVP_RSA_gen(2048);
    if (strcmp(algorithm, "HS256") != 0) {
        need(key->pkey != NULL, "making a key");
        key->pem = pem_of(key);
    }
    key->jwk = jwk_of(key);
    return key;
}

void mint_key_free(struct mint_key **key)
{
    if (*key == NULL)
        return;
    EVP_PKEY_free((*key)->pkey);
    free((*key)->jwk);
    free((*key)->pem);
    free(*key);
    *key = NULL;
}

static void sign(const struct mint_key *key, struct bench_token *token)
{
    const unsigned char *input = (const unsigned char *)token->text;
    const char *hash = strcmp(key->algorithm, "EdDSA") == 0 ? NULL : "SHA256";
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *parameters = NULL;
    unsigned len = 0;

    token->signature_len = sizeof(token->signature);
    if (key->pkey == NULL) {
        need(HMAC(EVP_sha256(), key->secret, sizeof(key->secret), input, token->signing_len,
                  token->signature, &len) != NULL,
             "HMAC");
        token->signature_len = len;
    } else {
        need(context != NULL && EVP_DigestSignInit_ex(context, &parameters, hash, NULL, NULL,
                                                      key->pkey, NULL) == 1,
             "signing");
        if (strcmp(key->algorithm, "PS256") == 0)
            need(EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1 &&
                     EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) == 1,
                 "PSS");
        need(EVP_DigestSign(context, token->signature, &token->signature_len, input,
                            token->signing_len) == 1,
             "signing");
    }
    EVP_MD_CTX_free(context);
}

/* The third part of the token: ES256 carries r and s, not DER (RFC 7518 section 3.4). */
static char *encode_signature(const struct mint_key *key, const struct bench_token *token)
{
    const unsigned char *der = token->signature;
    unsigned char raw[2 * COORDINATE];
    ECDSA_SIG *signature = NULL;

    if (strcmp(key->algorithm, "ES256") != 0)
        return encode(token->signature, token->signature_len);
    signature = d2i_ECDSA_SIG(NULL, &der, (long)token->signature_len);
    need(signature != NULL &&
             BN_bn2binpad(ECDSA_SIG_get0_r(signature), raw, COORDINATE) == COORDINATE &&
             BN_bn2binpad(ECDSA_SIG_get0_s(signature), raw + COORDINATE, COORDINATE) == COORDINATE,
         "ECDSA signature");
    ECDSA_SIG_free(signature);
    return encode(raw, sizeof(raw));
}

/* Where the signature is short, the scope is longer: all tokens are of the same size class. */
static char *payload_of(const char *user, bool long_scope, int64_t now, unsigned number)
{
    long long issued = (long long)now - 60 - number % 7;

    return mint_text("{\"iss\":\"" MINT_ISSUER "\",\"aud\":\"" MINT_AUDIENCE "\","
                     "\"sub\":\"%08x-5f0c-4d1e\",\"jti\":\"%08x-91b2-4a7d-bc30-0e6f%08x\","
                     "\"exp\":%lld,\"nbf\":%lld,\"iat\":%lld,\"auth_time\":%lld,"
                     "\"azp\":\"console\",\"preferred_username\":\"%s\","
                     "\"scope\":\"openid profile%s\","
                     "\"realm_access\":{\"roles\":[\"ops\",\"dba team\",\"offline_access\"]}}",
                     number + 4096U, number * 2654435761U, number + 77U, issued + MINT_LIFETIME,
                     issued, issued, issued - 30, user,
                     long_scope ? " email groups offline_access console.read console.write ssh"
                                : "");
}

void mint_token(const struct mint_key *key, const char *user, int64_t now, unsigned number,
                struct bench_token *out)
{
    char *header =
        mint_text("{\"alg\":\"%s\",\"typ\":\"JWT\",\"kid\":\"%s\"}", key->algorithm, key->kid);
    char *payload = payload_of(user, !EVP_PKEY_is_a(key->pkey, "RSA"), now, number);
    char *first = encode((const unsigned char *)header, strlen(header));
    char *second = encode((const unsigned char *)payload, strlen(payload));
    char *third = NULL;

    *out = (struct bench_token){.text = mint_text("%s.%s", first, second)};
    out->signing_len = strlen(out->text);
    sign(key, out);
    third = encode_signature(key, out);
    free(out->text);
    out->text = mint_text("%s.%s.%s", first, second, third);
    out->len = strlen(out->text);
    free(header);
    free(payload);
    free(first);
    free(second);
    free(third);
    if (out->len < 700 || out->len > 1000)
        mint_die("a %s token of %zu bytes is not of the size that is to be measured",
                 key->algorithm, out->len);
}

void mint_forgery(const struct bench_token *token, const struct bench_token *other,
                  struct bench_token *out)
{
    *out = *other;
    out->text =
        mint_text("%.*s%s", (int)token->signing_len, token->text, other->text + other->signing_len);
    out->signing_len = token->signing_len;
    out->len = strlen(out->text);
}

void mint_alteration(const struct bench_token *token, struct bench_token *out)
{
    char *at = NULL;

    *out = *token;
    out->text = mint_text("%s", token->text);
    at = out->text + out->signing_len + 9;
    *at = *at == 'A' ? 'B' : 'A';
    out->signature[12] ^= 1;
}

void mint_token_free(struct bench_token *token)
{
    free(token->text);
    token->text = NULL;
}
