/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The floor: EVP_DigestVerify (EVP_MAC for HS256) alone. The context is kept and re-initialised,
 * the signing input lies ready, the signature is decoded, that of ES256 in DER.
 */
#include "contender.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

struct state {
    EVP_PKEY *key;
    EVP_MD_CTX *digest;
    EVP_MAC_CTX *mac;
    OSSL_PARAM params[3];
    int padding;
    int salt;
};

static void floor_close(void *opaque)
{
    struct state *state = opaque;

    EVP_PKEY_free(state->key);
    EVP_MD_CTX_free(state->digest);
    EVP_MAC_CTX_free(state->mac);
    free(state);
}

static bool open_mac(struct state *state, const struct bench_case *given)
{
    char hash[] = "SHA256";
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, hash, 0),
                           OSSL_PARAM_construct_end()};
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);

    state->mac = EVP_MAC_CTX_new(mac);
    EVP_MAC_free(mac);
    return state->mac != NULL &&
           EVP_MAC_init(state->mac, given->secret, given->secret_len, params) == 1;
}

/*
 * The first initialisation names hash and key, and OpenSSL keeps both for those that follow;
 * padding and length of the salt it does not keep.
 */
static bool open_digest(struct state *state, const struct bench_case *given)
{
    BIO *pem = BIO_new_mem_buf(given->pem, -1);
    const char *hash = strcmp(given->algorithm, "EdDSA") == 0 ? NULL : "SHA256";
    size_t count = 0;

    state->key = PEM_read_bio_PUBKEY(pem, NULL, NULL, NULL);
    BIO_free(pem);
    state->digest = EVP_MD_CTX_new();
    if (strcmp(given->algorithm, "PS256") == 0) {
        state->padding = RSA_PKCS1_PSS_PADDING;
        state->salt = RSA_PSS_SALTLEN_DIGEST;
        state->params[count++] =
            OSSL_PARAM_construct_int(OSSL_SIGNATURE_PARAM_PAD_MODE, &state->padding);
        state->params[count++] =
            OSSL_PARAM_construct_int(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, &state->salt);
    }
    state->params[count] = OSSL_PARAM_construct_end();
    return state->key != NULL && state->digest != NULL &&
           EVP_DigestVerifyInit_ex(state->digest, NULL, hash, NULL, NULL, state->key,
                                   state->params) == 1;
}

static enum bench_ready floor_open(const struct bench_case *given, void **out)
{
    struct state *state = calloc(1, sizeof(*state));

    if (state == NULL)
        return BENCH_BROKEN;
    if (!(given->secret != NULL ? open_mac(state, given) : open_digest(state, given))) {
        floor_close(state);
        return BENCH_BROKEN;
    }
    *out = state;
    return BENCH_READY;
}

static bool verify_mac(struct state *state, const struct bench_token *token)
{
    unsigned char computed[EVP_MAX_MD_SIZE];
    size_t len = 0;

    return EVP_MAC_init(state->mac, NULL, 0, NULL) == 1 &&
           EVP_MAC_update(state->mac, (const unsigned char *)token->text, token->signing_len) ==
               1 &&
           EVP_MAC_final(state->mac, computed, &len, sizeof(computed)) == 1 &&
           len == token->signature_len && CRYPTO_memcmp(computed, token->signature, len) == 0;
}

static bool floor_verify(void *opaque, const struct bench_token *token)
{
    struct state *state = opaque;

    if (state->mac != NULL)
        return verify_mac(state, token);
    return EVP_DigestVerifyInit_ex(state->digest, NULL, NULL, NULL, NULL, NULL, state->params) ==
               1 &&
           EVP_DigestVerify(state->digest, token->signature, token->signature_len,
                            (const unsigned char *)token->text, token->signing_len) == 1;
}

const struct bench_contender bench_contenders[] = {
    {"floor", floor_open, floor_verify, floor_close, NULL}, {.name = NULL}};
