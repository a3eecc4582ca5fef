/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/alg.h"
#include "tests/unit/check.h"

#include <string.h>

/* The promised algorithms, as the IANA registry names them. */
static const struct {
    const char *name;
    enum jwta_alg_kind kind;
    enum jwta_kty kty;
    const char *crv;
    size_t hash_len;
    size_t signature_len;
} promised[] = {
    {"HS256", JWTA_ALG_HMAC, JWTA_KTY_OCT, NULL, 32, 32},
    {"HS384", JWTA_ALG_HMAC, JWTA_KTY_OCT, NULL, 48, 48},
    {"HS512", JWTA_ALG_HMAC, JWTA_KTY_OCT, NULL, 64, 64},
    {"RS256", JWTA_ALG_RSA_PKCS1, JWTA_KTY_RSA, NULL, 32, 0},
    {"RS384", JWTA_ALG_RSA_PKCS1, JWTA_KTY_RSA, NULL, 48, 0},
    {"RS512", JWTA_ALG_RSA_PKCS1, JWTA_KTY_RSA, NULL, 64, 0},
    {"PS256", JWTA_ALG_RSA_PSS, JWTA_KTY_RSA, NULL, 32, 0},
    {"PS384", JWTA_ALG_RSA_PSS, JWTA_KTY_RSA, NULL, 48, 0},
    {"PS512", JWTA_ALG_RSA_PSS, JWTA_KTY_RSA, NULL, 64, 0},
    {"ES256", JWTA_ALG_ECDSA, JWTA_KTY_EC, "P-256", 32, 64},
    {"ES384", JWTA_ALG_ECDSA, JWTA_KTY_EC, "P-384", 48, 96},
    {"ES512", JWTA_ALG_ECDSA, JWTA_KTY_EC, "P-521", 64, 132},
    {"ES256K", JWTA_ALG_ECDSA, JWTA_KTY_EC, "secp256k1", 32, 64},
    {"EdDSA", JWTA_ALG_EDDSA, JWTA_KTY_OKP, NULL, 0, 0},
    {"Ed25519", JWTA_ALG_EDDSA, JWTA_KTY_OKP, "Ed25519", 0, 64},
    {"Ed448", JWTA_ALG_EDDSA, JWTA_KTY_OKP, "Ed448", 0, 114},
    {"ML-DSA-44", JWTA_ALG_ML_DSA, JWTA_KTY_AKP, NULL, 0, 2420},
    {"ML-DSA-65", JWTA_ALG_ML_DSA, JWTA_KTY_AKP, NULL, 0, 3309},
    {"ML-DSA-87", JWTA_ALG_ML_DSA, JWTA_KTY_AKP, NULL, 0, 4627},
};

static void test_promised(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(promised); i++) {
        const struct jwta_alg *alg = jwta_alg_find(jwta_span_of(promised[i].name));

        assert_non_null(alg);
        assert_string_equal(alg->name, promised[i].name);
        assert_int_equal(alg->kind, promised[i].kind);
        assert_int_equal(alg->kty, promised[i].kty);
        assert_int_equal(alg->hash_len, promised[i].hash_len);
        assert_int_equal(alg->signature_len, promised[i].signature_len);
        if (promised[i].crv == NULL)
            assert_null(alg->crv);
        else
            assert_string_equal(alg->crv, promised[i].crv);
    }
}

static void test_no_others(void **state)
{
    static const char *const rows[] = {
        "none",  "None",   "NONE",    "",        "hs256", "Hs256", "HS256 ",  " HS256",
        "HS25",  "HS2566", "HS1",     "RS1",     "ES521", "ES224", "RSA1_5",  "RSA-OAEP",
        "dir",   "A128KW", "A256GCM", "ECDH-ES", "eddsa", "EDDSA", "ed25519", "X25519",
        "Es256", "ES256k", "HS256\n", "MLDSA44", "BP256",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_null(jwta_alg_find(jwta_span_of(rows[i])));
    assert_null(jwta_alg_find(jwta_span(NULL, 0)));
    assert_null(jwta_alg_find(jwta_span("HS256\0", 6)));
    assert_non_null(jwta_alg_find(jwta_span("HS256junk", 5)));
}

static void test_at(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(promised); i++)
        assert_ptr_equal(jwta_alg_at(i), jwta_alg_find(jwta_span_of(jwta_alg_at(i)->name)));
    assert_null(jwta_alg_at(COUNT_OF(promised)));
    assert_null(jwta_alg_at(SIZE_MAX));
}

/* A set holds what was put into it and nothing else. */
static void test_sets(void **state)
{
    struct jwta_algs none = {0};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(promised); i++) {
        struct jwta_algs one = jwta_algs_add(none, jwta_alg_at(i));

        assert_false(jwta_algs_has(none, jwta_alg_at(i)));
        assert_true(jwta_algs_has(jwta_algs_all(), jwta_alg_at(i)));
        for (size_t k = 0; k < COUNT_OF(promised); k++)
            assert_int_equal(jwta_algs_has(one, jwta_alg_at(k)), k == i);
        assert_int_equal(jwta_algs_add(one, jwta_alg_at(i)).bits, one.bits);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_promised),
        cmocka_unit_test(test_no_others),
        cmocka_unit_test(test_at),
        cmocka_unit_test(test_sets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
