/* SPDX-License-Identifier: BSD-2-Clause */
/* Signatures: every algorithm, every way in which one can be wrong. */
#include "common/b64.h"
#include "common/jws.h"
#include "tests/unit/check.h"
#include "tests/unit/import.h"
#include "tests/unit/token.h"

#include <openssl/err.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static const char *const algorithms[] = {
    "HS256", "HS384", "HS512", "RS256", "RS384",  "RS512", "PS256",   "PS384",
    "PS512", "ES256", "ES384", "ES512", "ES256K", "EdDSA", "Ed25519", "Ed448",
};

#define ALGORITHMS COUNT_OF(algorithms)

/* One key of each, as the maker and as the code under test know it. */
static struct test_key *made[ALGORITHMS];
static struct jwta_key *imported[ALGORITHMS];
static const struct jwta_alg *algs[ALGORITHMS];

static int make_keys(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALGORITHMS; i++) {
        char *jwk = NULL;

        made[i] = test_key_new(algorithms[i]);
        jwk = test_key_jwk(made[i], NULL, NULL);
        algs[i] = jwta_alg_find(jwta_span_of(algorithms[i]));
        assert_code(test_import(jwk, &imported[i], NULL), JWTA_OK);
        free(jwk);
    }
    return 0;
}

static int free_keys(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALGORITHMS; i++) {
        jwta_key_free(&imported[i]);
        test_key_free(&made[i]);
    }
    return 0;
}

static size_t number_of(const char *name)
{
    for (size_t i = 0; i < ALGORITHMS; i++) {
        if (strcmp(algorithms[i], name) == 0)
            return i;
    }
    fail_msg("no algorithm %s", name);
    return 0;
}

static enum jwta_code verify(size_t key, size_t alg, const char *input, const char *signature)
{
    enum jwta_code code = jwta_jws_verify(imported[key], algs[alg], jwta_span_of(input),
                                          jwta_span_of(signature), NULL);

    assert_int_equal(ERR_peek_error(), 0);
    return code;
}

/* Verifies input and signature as they stand in a token, split at its last period. */
static enum jwta_code verify_token(size_t key, size_t alg, const char *token)
{
    char *copy = strdup(token);
    char *period = strrchr(copy, '.');
    enum jwta_code code = JWTA_OK;

    *period = '\0';
    code = verify(key, alg, copy, period + 1);
    free(copy);
    return code;
}

/* The bytes of a token's signature. */
static size_t signature_of(const char *token, unsigned char *out)
{
    size_t len = 0;

    assert_code(jwta_b64_decode(jwta_span_of(strrchr(token, '.') + 1), out, &len), JWTA_OK);
    return len;
}

static enum jwta_code verify_bytes(size_t key, const char *input, const unsigned char *bytes,
                                   size_t len)
{
    char *encoded = test_b64(bytes, len);
    enum jwta_code code = verify(key, key, input, encoded);

    free(encoded);
    return code;
}

/* Twice each, so that a kept context is used, and then the same with something wrong. */
static void test_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALGORITHMS; i++) {
        char *token = test_sign_input(made[i], algorithms[i], "header.payload");
        char *other = test_sign_input(made[i], algorithms[i], "header.payloaD");

        assert_code(verify_token(i, i, token), JWTA_OK);
        assert_code(verify_token(i, i, token), JWTA_OK);
        assert_code(verify(i, i, "header.payload", strrchr(other, '.') + 1), JWTA_SIGNATURE);
        assert_code(verify_token(i, i, other), JWTA_OK);
        assert_code(verify_token(i, i, token), JWTA_OK);
        assert_code(verify(i, i, "", strrchr(token, '.') + 1), JWTA_SIGNATURE);
        free(other);
        free(token);
    }
}

/* The first, the last and a middle bit of each signature. */
static void test_changed(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALGORITHMS; i++) {
        char *token = test_sign_input(made[i], algorithms[i], "header.payload");
        unsigned char bytes[1024];
        size_t len = signature_of(token, bytes);
        const size_t places[] = {0, len / 2, len - 1};

        for (size_t k = 0; k < COUNT_OF(places); k++) {
            bytes[places[k]] ^= 0x01;
            assert_code(verify_bytes(i, "header.payload", bytes, len), JWTA_SIGNATURE);
            bytes[places[k]] ^= 0x01;
        }
        assert_code(verify_bytes(i, "header.payload", bytes, len), JWTA_OK);
        memset(bytes, 0, len);
        assert_code(verify_bytes(i, "header.payload", bytes, len), JWTA_SIGNATURE);
        memset(bytes, 0xff, len);
        assert_code(verify_bytes(i, "header.payload", bytes, len), JWTA_SIGNATURE);
        free(token);
    }
}

/* Off by one on both sides, a zero byte in front or behind, twice as long, none at all. */
static void test_lengths(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALGORITHMS; i++) {
        char *token = test_sign_input(made[i], algorithms[i], "header.payload");
        unsigned char bytes[2048] = {0};
        size_t len = signature_of(token, bytes + 1);
        const struct {
            const unsigned char *start;
            size_t len;
        } rows[] = {
            {bytes + 1, 0},       {bytes + 1, 1},   {bytes + 1, len - 1}, {bytes + 2, len - 1},
            {bytes + 1, len + 1}, {bytes, len + 1}, {bytes + 1, 2 * len},
        };

        for (size_t k = 0; k < COUNT_OF(rows); k++)
            assert_code(verify_bytes(i, "header.payload", rows[k].start, rows[k].len),
                        JWTA_SIGNATURE_LENGTH);
        assert_code(verify_bytes(i, "header.payload", bytes + 1, len), JWTA_OK);
        free(token);
    }
}

/* A signature has one spelling. */
static void test_encoding(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALGORITHMS; i++) {
        char *token = test_sign_input(made[i], algorithms[i], "header.payload");
        size_t len = strlen(token);
        char *padded = test_format("%s=", token);
        char last = token[len - 1];

        assert_int_not_equal(verify_token(i, i, padded), JWTA_OK);
        if (strlen(strrchr(token, '.') + 1) % 4 != 0) {
            token[len - 1] = (char)(last == 'Z' ? 'b' : last == 'z' ? '1' : last + 1);
            assert_code(verify_token(i, i, token), JWTA_BASE64);
        }
        token[len - 1] = '!';
        assert_code(verify_token(i, i, token), JWTA_BASE64);
        token[len - 1] = '\n';
        assert_code(verify_token(i, i, token), JWTA_BASE64);
        free(padded);
        free(token);
    }
}

static bool same_name(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

/* Whether the key made for one algorithm may serve another. */
static bool serves(size_t key, size_t alg)
{
    const struct jwta_alg *k = algs[key];
    const struct jwta_alg *a = algs[alg];

    if (k->kty != a->kty)
        return false;
    if (k->kty == JWTA_KTY_OCT)
        return k->hash_len >= a->hash_len;
    if (k->kty == JWTA_KTY_EC)
        return same_name(k->crv, a->crv);
    if (k->kty == JWTA_KTY_OKP)
        return same_name(algorithms[alg], "EdDSA") ||
               same_name(k->crv != NULL ? k->crv : "Ed25519", a->crv);
    return true;
}

/* Every key with every algorithm: a key that cannot serve is refused whatever the caller says. */
static void test_matrix(void **state)
{
    (void)state;
    for (size_t key = 0; key < ALGORITHMS; key++) {
        char *token = test_sign_input(made[key], algorithms[key], "header.payload");

        for (size_t alg = 0; alg < ALGORITHMS; alg++) {
            enum jwta_code code = verify_token(key, alg, token);

            if (!serves(key, alg))
                assert_code(code, JWTA_KEY_MISFIT);
            else if (algs[alg]->kty == JWTA_KTY_OKP || alg == key)
                assert_code(code, JWTA_OK);
            else if (algs[alg]->kty == JWTA_KTY_OCT)
                assert_code(code, JWTA_SIGNATURE_LENGTH);
            else
                assert_code(code, JWTA_SIGNATURE);
        }
        free(token);
    }
}

/* One key may serve several algorithms in turn: no context is taken for another's. */
static void test_alternating(void **state)
{
    static const char *const names[] = {"RS256", "PS256", "RS512", "PS384", "RS256", "PS512"};
    size_t rsa = number_of("RS256");

    (void)state;
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < COUNT_OF(names); i++) {
            char *token = test_sign_input(made[rsa], names[i], "header.payload");

            assert_code(verify_token(rsa, number_of(names[i]), token), JWTA_OK);
            assert_code(verify_token(rsa, number_of("RS384"), token), JWTA_SIGNATURE);
            free(token);
        }
    }
}

/* What is kept of a verification stays what it was: padding, salt and hash. */
static void test_kept(void **state)
{
    static const char *const names[] = {"PS256", "PS384", "PS512", "RS256", "RS512"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        size_t key = number_of(names[i]);
        char *good = test_sign_input(made[key], names[i], "header.payload");
        char *other =
            test_sign_input(made[key], names[i][0] == 'P' ? "RS256" : "PS256", "header.payload");

        for (int round = 0; round < 4; round++) {
            assert_code(verify_token(key, key, good), JWTA_OK);
            assert_code(verify_token(key, key, good), JWTA_OK);
            assert_code(verify_token(key, key, other), JWTA_SIGNATURE);
        }
        free(other);
        free(good);
    }
}

/* The first key of several that verifies is enough; that others were left out is said. */
static void test_any(void **state)
{
    size_t es256 = number_of("ES256");
    struct test_key *other = test_key_new("ES256");
    char *jwk = test_key_jwk(other, NULL, NULL);
    char *token = test_sign(made[es256], "{\"alg\":\"ES256\"}", "{}");
    struct jwta_key *second = NULL;
    struct jwta_jws jws;
    struct jwta_why why = {0};

    (void)state;
    assert_code(test_import(jwk, &second, NULL), JWTA_OK);
    assert_code(jwta_jws_split(jwta_span_of(token), &jws, NULL), JWTA_OK);
    {
        struct jwta_key *const wrong[] = {second, second};
        struct jwta_key *const right[] = {second, imported[es256]};
        struct jwta_key *const misfit[] = {imported[number_of("RS256")], imported[es256]};
        const struct jwta_alg *alg = algs[es256];

        assert_code(jwta_jws_verify_any(right, 2, true, alg, &jws, &why), JWTA_OK);
        assert_code(jwta_jws_verify_any(misfit, 2, false, alg, &jws, &why), JWTA_OK);
        assert_code(jwta_jws_verify_any(wrong, 2, false, alg, &jws, &why), JWTA_SIGNATURE);
        assert_code(jwta_jws_verify_any(wrong, 2, true, alg, &jws, &why), JWTA_KEY_TRIES);
        assert_int_not_equal(jwta_jws_verify_any(wrong, 0, false, alg, &jws, &why), JWTA_OK);
    }
    jwta_key_free(&second);
    free(token);
    free(jwk);
    test_key_free(&other);
}

struct worker {
    pthread_t thread;
    size_t key;
    const char *good;
    const char *bad;
    int wrong;
};

static void *work(void *context)
{
    struct worker *worker = context;
    char *input = strdup(worker->good);
    char *good = strrchr(input, '.') + 1;
    const char *bad = strrchr(worker->bad, '.') + 1;

    good[-1] = '\0';
    for (int i = 0; i < 200; i++) {
        worker->wrong += jwta_jws_verify(imported[worker->key], algs[worker->key],
                                         jwta_span_of(input), jwta_span_of(good), NULL) != JWTA_OK;
        worker->wrong +=
            jwta_jws_verify(imported[worker->key], algs[worker->key], jwta_span_of(input),
                            jwta_span_of(bad), NULL) != JWTA_SIGNATURE;
    }
    free(input);
    return NULL;
}

/* One key in more threads than it keeps contexts for. */
static void test_threads(void **state)
{
    static const char *const names[] = {"HS256", "RS256", "ES256"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        size_t key = number_of(names[i]);
        char *good = test_sign_input(made[key], names[i], "header.payload");
        char *bad = test_sign_input(made[key], names[i], "other.payload");
        struct worker workers[JWTA_KEY_CONTEXTS + 2] = {{0}};

        for (size_t k = 0; k < COUNT_OF(workers); k++) {
            workers[k] = (struct worker){.key = key, .good = good, .bad = bad};
            assert_int_equal(pthread_create(&workers[k].thread, NULL, work, &workers[k]), 0);
        }
        for (size_t k = 0; k < COUNT_OF(workers); k++) {
            assert_int_equal(pthread_join(workers[k].thread, NULL), 0);
            assert_int_equal(workers[k].wrong, 0);
        }
        free(good);
        free(bad);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all),     cmocka_unit_test(test_changed),
        cmocka_unit_test(test_lengths), cmocka_unit_test(test_encoding),
        cmocka_unit_test(test_matrix),  cmocka_unit_test(test_alternating),
        cmocka_unit_test(test_kept),    cmocka_unit_test(test_any),
        cmocka_unit_test(test_threads),
    };

    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
