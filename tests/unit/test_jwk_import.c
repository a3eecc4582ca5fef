/* SPDX-License-Identifier: BSD-2-Clause */
/* Import of keys into OpenSSL: forms and strength. */
#include "common/jwk.h"
#include "tests/unit/check.h"
#include "tests/unit/import.h"
#include "tests/unit/token.h"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

/* The verdict on a JWK; nothing is left behind, neither a key nor an OpenSSL error. */
static enum jwta_code verdict(const char *jwk)
{
    struct jwta_key *key = NULL;
    enum jwta_code code = test_import(jwk, &key, NULL);

    assert_int_equal(code == JWTA_OK, key != NULL);
    assert_int_equal(ERR_peek_error(), 0);
    jwta_key_free(&key);
    return code;
}

/* Frees jwk. */
static enum jwta_code verdict_of(char *jwk)
{
    enum jwta_code code = verdict(jwk);

    free(jwk);
    return code;
}

static void test_every_type(void **state)
{
    static const struct {
        const char *alg;
        enum jwta_kty kty;
        const char *crv;
        size_t signature_len;
    } rows[] = {
        {"HS256", JWTA_KTY_OCT, NULL, 0},       {"HS512", JWTA_KTY_OCT, NULL, 0},
        {"RS256", JWTA_KTY_RSA, NULL, 256},     {"PS512", JWTA_KTY_RSA, NULL, 256},
        {"ES256", JWTA_KTY_EC, "P-256", 0},     {"ES384", JWTA_KTY_EC, "P-384", 0},
        {"ES512", JWTA_KTY_EC, "P-521", 0},     {"ES256K", JWTA_KTY_EC, "secp256k1", 0},
        {"EdDSA", JWTA_KTY_OKP, "Ed25519", 64}, {"Ed448", JWTA_KTY_OKP, "Ed448", 114},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct test_key *made = test_key_new(rows[i].alg);
        char *jwk = test_key_jwk(made, "kid", rows[i].alg);
        struct jwta_key *key = NULL;

        assert_code(test_import(jwk, &key, NULL), JWTA_OK);
        assert_int_equal(key->kty, rows[i].kty);
        assert_int_equal(key->signature_len, rows[i].signature_len);
        assert_int_equal(key->pkey == NULL, key->kty == JWTA_KTY_OCT);
        assert_int_equal(key->secret.data == NULL, key->kty != JWTA_KTY_OCT);
        if (rows[i].crv == NULL)
            assert_null(key->crv);
        else
            assert_string_equal(key->crv, rows[i].crv);
        jwta_key_free(&key);
        assert_null(key);
        jwta_key_free(&key);
        free(jwk);
        test_key_free(&made);
    }
}

static void test_rsa_size(void **state)
{
    static const struct {
        unsigned bits;
        enum jwta_code code;
    } rows[] = {
        {1024, JWTA_JWK_WEAK}, {2047, JWTA_JWK_WEAK}, {2048, JWTA_OK},
        {2049, JWTA_OK},       {3072, JWTA_OK},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct test_key *made = test_key_rsa(rows[i].bits);

        assert_code(verdict_of(test_key_jwk(made, NULL, NULL)), rows[i].code);
        test_key_free(&made);
    }
}

/* A modulus of so many bits, odd, and no more than a number: strength is looked at before use. */
static char *modulus(int bits, bool odd)
{
    BIGNUM *number = BN_new();
    unsigned char *bytes = calloc(1, (size_t)bits / 8 + 1);
    char *text = NULL;

    assert_non_null(number);
    assert_non_null(bytes);
    assert_int_equal(BN_set_bit(number, bits - 1), 1);
    assert_int_equal(BN_set_bit(number, 700), 1);
    if (odd)
        assert_int_equal(BN_set_bit(number, 0), 1);
    text = test_b64(bytes, (size_t)BN_bn2bin(number, bytes));
    BN_free(number);
    free(bytes);
    return text;
}

static char *rsa_jwk(const char *n, const char *e)
{
    return test_format("{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"%s\"}", n, e);
}

static void test_rsa_modulus(void **state)
{
    static const struct {
        int bits;
        bool odd;
        enum jwta_code code;
    } rows[] = {
        {2048, true, JWTA_OK},         {2048, false, JWTA_JWK_WEAK},
        {2047, true, JWTA_JWK_WEAK},   {16384, true, JWTA_OK},
        {16385, true, JWTA_JWK_WEAK},  {16400, true, JWTA_JWK_MALFORMED},
        {16384, false, JWTA_JWK_WEAK}, {65536, true, JWTA_JWK_MALFORMED},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char *n = modulus(rows[i].bits, rows[i].odd);

        assert_code(verdict_of(rsa_jwk(n, "AQAB")), rows[i].code);
        free(n);
    }
}

static void test_rsa_exponent(void **state)
{
    static const struct {
        const char *e;
        enum jwta_code code;
    } rows[] = {
        {"Aw", JWTA_OK},                 /* 3 */
        {"AQAB", JWTA_OK},               /* 65537 */
        {"gAAAAAAAAAE", JWTA_OK},        /* 64 bits */
        {"AQAAAAAAAAAB", JWTA_JWK_WEAK}, /* 65 bits */
        {"AQ", JWTA_JWK_WEAK},           /* 1 */
        {"AA", JWTA_JWK_WEAK},           /* 0 */
        {"", JWTA_JWK_WEAK},             /* 0 */
        {"Ag", JWTA_JWK_WEAK},           /* 2 */
        {"AQAA", JWTA_JWK_WEAK},         /* 65536 */
        {"AQAB=", JWTA_JWK_MALFORMED},
        {"65537!", JWTA_JWK_MALFORMED},
    };
    char *n = modulus(2048, true);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_code(verdict_of(rsa_jwk(n, rows[i].e)), rows[i].code);
    free(n);
}

/* A leading zero byte is no bit of the modulus, and the signature is as long as without it. */
static void test_rsa_leading_zero(void **state)
{
    unsigned char bytes[257] = {0};
    struct jwta_key *key = NULL;
    char *padded = NULL;
    char *jwk = NULL;

    (void)state;
    bytes[1] = 0x80;
    bytes[256] = 0x01;
    padded = test_b64(bytes, sizeof(bytes));
    jwk = rsa_jwk(padded, "AQAB");
    assert_code(test_import(jwk, &key, NULL), JWTA_OK);
    assert_int_equal(key->signature_len, 256);
    jwta_key_free(&key);
    free(jwk);
    free(padded);
}

/* CVE-2017-15361; the modulus is of Project Wycheproof's key set test 7. */
static void test_rsa_roca(void **state)
{
    static const char jwk[] =
        "{\"kty\":\"RSA\",\"alg\":\"RS256\",\"use\":\"sig\",\"e\":\"AQAB\",\"n\":"
        "\"AanFpofbj7KjD4Lf-N2hVMKR7yewSyXhhbirIMTGpfYEhZ_lnt5UoK98DnKIgArXGTu3MaW_HhFw16HGaTDUHqPr"
        "Id7fe4r11CqRw09yBFuW79V8sYIwHdzCaWflUI6auImYbVfoN9_nD5n8N8SY9DwXw7mwZM9wREPXoDPgOoIWl6q_"
        "MPsp"
        "7n0zs3Z5ZaiQWOOzl1S9OhwAfSiiOwz6efnXEaxuTEtPd7BjSx7NaFka8Dx9U7YqXy2RFj1O9PjyaDGuRh7YXsX3iM"
        "US"
        "P_wSyHQg_c_qHRtKUsNSGCT7OZg0hzm2KphtjnayKJvC64vAbROBR4Ubg6Bxg9IQVZ-QYyE\"}";
    struct jwta_key *key = NULL;
    struct jwta_why why = {0};

    (void)state;
    assert_code(test_import(jwk, &key, &why), JWTA_JWK_WEAK);
    assert_string_equal(why.text, "RSA modulus with the ROCA fingerprint");
}

#define X256 "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define Y256 "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
#define EC(crv, x, y) "{\"kty\":\"EC\",\"crv\":\"" crv "\",\"x\":\"" x "\",\"y\":\"" y "\"}"
#define ZEROS32 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define ONES32 "__________________________________________8"

static void test_ec_points(void **state)
{
    static const struct {
        const char *jwk;
        enum jwta_code code;
    } rows[] = {
        {EC("P-256", X256, Y256), JWTA_OK},
        {EC("P-256", Y256, X256), JWTA_JWK_POINT},
        {EC("P-256", X256, X256), JWTA_JWK_POINT},
        {EC("secp256k1", X256, Y256), JWTA_JWK_POINT},
        {EC("P-256", ZEROS32, ZEROS32), JWTA_JWK_POINT},
        {EC("P-256", ONES32, ONES32), JWTA_JWK_POINT},
        /* lengths: the field's, leading zeros included */
        {EC("P-384", X256, Y256), JWTA_JWK_MALFORMED},
        {EC("P-256", "AA", "AA"), JWTA_JWK_MALFORMED},
        {EC("P-256", "", ""), JWTA_JWK_MALFORMED},
        {EC("P-256", "AA", Y256), JWTA_JWK_MALFORMED},
        {EC("P-256", X256, "AA"), JWTA_JWK_MALFORMED},
        {EC("P-256", "AA" X256, Y256), JWTA_JWK_MALFORMED},
        {EC("P-256", X256, Y256 "AA"), JWTA_JWK_MALFORMED},
        {EC("P-256", X256 "=", Y256), JWTA_JWK_MALFORMED},
        {EC("P-256", X256, "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a1"), JWTA_JWK_MALFORMED},
        {"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X256 "\"}", JWTA_JWK_MALFORMED},
        {"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X256 "\",\"y\":1}", JWTA_JWK_MALFORMED},
        {"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X256 "\",\"y\":null}", JWTA_JWK_MALFORMED},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_code(verdict(rows[i].jwk), rows[i].code);
}

#define OKP(crv, x) "{\"kty\":\"OKP\",\"crv\":\"" crv "\",\"x\":\"" x "\"}"
#define ED "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"

/* Coordinates whose leading zeros were left out: refused, and the reason says which is short. */
static void test_short_coordinates(void **state)
{
#define SHORT256 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    static const struct {
        const char *jwk;
        const char *reason;
    } rows[] = {
        {EC("P-256", SHORT256, Y256),
         "x has 31 bytes; P-256 needs 32, leading zeros included (RFC 7518 section 6.2.1)"},
        {EC("P-256", X256, SHORT256),
         "y has 31 bytes; P-256 needs 32, leading zeros included (RFC 7518 section 6.2.1)"},
        {EC("P-256", "AA" X256, Y256), "x is longer than 32 bytes"},
        {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" SHORT256 "\"}",
         "x has 31 bytes; Ed25519 needs 32"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct jwta_key *key = NULL;
        struct jwta_why why = {0};

        assert_code(test_import(rows[i].jwk, &key, &why), JWTA_JWK_MALFORMED);
        assert_string_equal(why.text, rows[i].reason);
    }
}

static void test_okp(void **state)
{
    static const struct {
        const char *jwk;
        enum jwta_code code;
    } rows[] = {
        {OKP("Ed25519", ED), JWTA_OK},
        {OKP("Ed448", ED), JWTA_JWK_MALFORMED},
        {OKP("Ed25519", ""), JWTA_JWK_MALFORMED},
        {OKP("Ed25519", "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHUQ"), JWTA_JWK_MALFORMED},
        {OKP("Ed25519", "AA" ED), JWTA_JWK_MALFORMED},
        {OKP("Ed25519", ED "="), JWTA_JWK_MALFORMED},
        {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\"}", JWTA_JWK_MALFORMED},
        {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":[]}", JWTA_JWK_MALFORMED},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_code(verdict(rows[i].jwk), rows[i].code);
}

/*
 * Points of small order in every encoding that decodes to one: with the key at such a point, a
 * signature verifies that nobody had to sign. Little-endian; the last byte's high bit is a sign.
 */
static void test_small_order(void **state)
{
    static const struct {
        const char *crv;
        const char *head; /* the first bytes, in hexadecimal */
        const char *fill; /* those between */
        const char *tail; /* the last bytes */
    } rows[] = {
        {"Ed25519", "01", "00", "00"},
        {"Ed25519", "01", "00", "80"},
        {"Ed25519", "ec", "ff", "7f"},
        {"Ed25519", "ec", "ff", "ff"},
        {"Ed25519", "00", "00", "00"},
        {"Ed25519", "00", "00", "80"},
        {"Ed25519", "26e8958fc2b227b045c3f489f2ef98f0", "00", "d5dfac05d3c63339b13802886d53fc05"},
        {"Ed25519", "26e8958fc2b227b045c3f489f2ef98f0", "00", "d5dfac05d3c63339b13802886d53fc85"},
        {"Ed25519", "c7176a703d4dd84fba3c0b760d10670f", "00", "2a2053fa2c39ccc64ec7fd7792ac037a"},
        {"Ed25519", "c7176a703d4dd84fba3c0b760d10670f", "00", "2a2053fa2c39ccc64ec7fd7792ac03fa"},
        /* not reduced: p, p + 1 */
        {"Ed25519", "ed", "ff", "7f"},
        {"Ed25519", "ed", "ff", "ff"},
        {"Ed25519", "ee", "ff", "7f"},
        {"Ed25519", "ee", "ff", "ff"},
        {"Ed448", "00", "00", "00"},
        {"Ed448", "01", "00", "00"},
        {"Ed448", "01", "00", "80"},
        {"Ed448", "fe", "ff", "feffffffffffffffffffffffffffffffffffffffffffffffffffffff00"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        size_t len = strcmp(rows[i].crv, "Ed448") == 0 ? 57 : 32;
        size_t head = strlen(rows[i].head) / 2;
        size_t tail = strlen(rows[i].tail) / 2;
        unsigned char public[57];
        char *x = NULL;

        for (size_t k = 0; k < len; k++) {
            const char *hex = k < head         ? rows[i].head + 2 * k
                              : k < len - tail ? rows[i].fill
                                               : rows[i].tail + 2 * (k - (len - tail));
            char byte[3] = {hex[0], hex[1], '\0'};

            public[k] = (unsigned char)strtoul(byte, NULL, 16);
        }
        x = test_b64(public, len);
        assert_code(verdict_of(test_format("{\"kty\":\"OKP\",\"crv\":\"%s\",\"x\":\"%s\"}",
                                           rows[i].crv, x)),
                    JWTA_JWK_WEAK);
        free(x);
    }
}

/* RFC 7518 section 3.2: a secret is at least as long as the hash. */
static void test_secrets(void **state)
{
    static const struct {
        size_t len;
        const char *alg;
        enum jwta_code code;
    } rows[] = {
        {0, NULL, JWTA_JWK_WEAK},
        {31, NULL, JWTA_JWK_WEAK},
        {32, NULL, JWTA_OK},
        {31, "HS256", JWTA_JWK_WEAK},
        {32, "HS256", JWTA_OK},
        {47, "HS384", JWTA_JWK_WEAK},
        {48, "HS384", JWTA_OK},
        {63, "HS512", JWTA_JWK_WEAK},
        {64, "HS512", JWTA_OK},
        {2049, "HS512", JWTA_OK},
        {2050, NULL, JWTA_JWK_MALFORMED},
    };
    unsigned char secret[2050];

    (void)state;
    for (size_t i = 0; i < sizeof(secret); i++)
        secret[i] = (unsigned char)i;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct test_key *made = test_key_secret("HS256", secret, rows[i].len);
        char *jwk = test_key_jwk(made, NULL, rows[i].alg);
        struct jwta_key *key = NULL;

        assert_code(test_import(jwk, &key, NULL), rows[i].code);
        if (key != NULL) {
            assert_int_equal(key->secret.len, rows[i].len);
            assert_memory_equal(key->secret.data, secret, rows[i].len);
        }
        jwta_key_free(&key);
        free(jwk);
        test_key_free(&made);
    }
    assert_code(verdict("{\"kty\":\"oct\"}"), JWTA_JWK_MALFORMED);
    assert_code(verdict("{\"kty\":\"oct\",\"k\":{}}"), JWTA_JWK_MALFORMED);
    assert_code(verdict("{\"kty\":\"oct\",\"k\":\"" ZEROS32 "=\"}"), JWTA_JWK_MALFORMED);
    assert_code(verdict("{\"kty\":\"oct\",\"k\":\"" ZEROS32 "\\n\"}"), JWTA_JWK_MALFORMED);
}

/* ML-DSA works where this OpenSSL has it, and is named as missing where it has not. */
static void test_akp(void **state)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "ML-DSA-44", NULL);
    unsigned char public[1312] = {1};
    char *pub = test_b64(public, sizeof(public));

    (void)state;
    ERR_clear_error();
    assert_code(
        verdict_of(test_format("{\"kty\":\"AKP\",\"alg\":\"ML-DSA-44\",\"pub\":\"%s\"}", pub)),
        context != NULL ? JWTA_OK : JWTA_JWK_KTY);
    assert_code(verdict("{\"kty\":\"AKP\",\"alg\":\"ML-DSA-44\"}"), JWTA_JWK_MALFORMED);
    assert_code(verdict("{\"kty\":\"AKP\",\"alg\":\"ML-DSA-44\",\"pub\":\"=\"}"),
                JWTA_JWK_MALFORMED);
    EVP_PKEY_CTX_free(context);
    free(pub);
}

/* The host's own OpenSSL errors stay where they were. */
static void test_error_queue(void **state)
{
    (void)state;
    ERR_raise(ERR_LIB_USER, 42);
    assert_int_equal(ERR_GET_REASON(ERR_peek_last_error()), 42);
    for (int i = 0; i < 2; i++) {
        struct jwta_key *key = NULL;

        assert_code(
            test_import(i == 0 ? EC("P-256", Y256, X256) : EC("P-256", X256, Y256), &key, NULL),
            i == 0 ? JWTA_JWK_POINT : JWTA_OK);
        assert_int_equal(ERR_GET_REASON(ERR_peek_last_error()), 42);
        jwta_key_free(&key);
    }
    assert_int_equal(ERR_GET_REASON(ERR_get_error()), 42);
    assert_int_equal(ERR_get_error(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_type),
        cmocka_unit_test(test_rsa_size),
        cmocka_unit_test(test_rsa_modulus),
        cmocka_unit_test(test_rsa_exponent),
        cmocka_unit_test(test_rsa_leading_zero),
        cmocka_unit_test(test_rsa_roca),
        cmocka_unit_test(test_ec_points),
        cmocka_unit_test(test_short_coordinates),
        cmocka_unit_test(test_okp),
        cmocka_unit_test(test_small_order),
        cmocka_unit_test(test_secrets),
        cmocka_unit_test(test_akp),
        cmocka_unit_test(test_error_queue),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
