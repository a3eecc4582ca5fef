/* SPDX-License-Identifier: BSD-2-Clause */
/* Signatures in other forms than the one that a JWS has, and numbers out of their range. */
#include "common/b64.h"
#include "common/jws.h"
#include "tests/unit/check.h"
#include "tests/unit/import.h"
#include "tests/unit/token.h"

#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <stdlib.h>
#include <string.h>

/* A key as the maker and as the code under test know it. */
struct one {
    struct test_key *made;
    struct jwta_key *imported;
    const struct jwta_alg *alg;
};

static struct one one_key(const char *alg)
{
    struct one one = {.made = test_key_new(alg), .alg = jwta_alg_find(jwta_span_of(alg))};
    char *jwk = test_key_jwk(one.made, NULL, alg);

    assert_code(test_import(jwk, &one.imported, NULL), JWTA_OK);
    free(jwk);
    return one;
}

static void one_free(struct one *one)
{
    jwta_key_free(&one->imported);
    test_key_free(&one->made);
}

/* The verdict on these bytes as the signature of header.payload. */
static enum jwta_code verify(const struct one *one, const unsigned char *bytes, size_t len)
{
    char *encoded = test_b64(bytes, len);
    enum jwta_code code = jwta_jws_verify(one->imported, one->alg, jwta_span_of("header.payload"),
                                          jwta_span_of(encoded), NULL);

    free(encoded);
    return code;
}

/* The bytes of a token's signature. */
static size_t signature_of(const char *token, unsigned char *out)
{
    size_t len = 0;

    assert_code(jwta_b64_decode(jwta_span_of(strrchr(token, '.') + 1), out, &len), JWTA_OK);
    return len;
}

/* A signature in DER, as X.509 and TLS have it, is none of a JWS. */
static void test_ecdsa_der(void **state)
{
    struct one es256 = one_key("ES256");
    char *token = test_sign_input(es256.made, "ES256", "header.payload");
    unsigned char raw[64];
    unsigned char der[80];
    unsigned char *end = der;
    ECDSA_SIG *signature = ECDSA_SIG_new();
    int len = 0;

    (void)state;
    assert_int_equal(signature_of(token, raw), 64);
    assert_int_equal(
        ECDSA_SIG_set0(signature, BN_bin2bn(raw, 32, NULL), BN_bin2bn(raw + 32, 32, NULL)), 1);
    len = i2d_ECDSA_SIG(signature, &end);
    assert_in_range(len, 65, 72);
    assert_code(verify(&es256, der, (size_t)len), JWTA_SIGNATURE_LENGTH);
    ECDSA_SIG_free(signature);
    free(token);
    one_free(&es256);
}

/* r and s lie between 1 and n - 1 (SEC 1 section 4.1.4); 0, n, and r + n where it fits do not. */
static void test_ecdsa_range(void **state)
{
    static const unsigned char order[32] = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00,
                                            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                            0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84,
                                            0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
    static const unsigned char zero[32] = {0};
    struct one es256 = one_key("ES256");
    char *token = test_sign_input(es256.made, "ES256", "header.payload");
    unsigned char raw[64];
    const unsigned char *const edges[] = {zero, order};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(edges); i++) {
        assert_int_equal(signature_of(token, raw), 64);
        memcpy(raw, edges[i], 32);
        assert_code(verify(&es256, raw, 64), JWTA_SIGNATURE);
        memcpy(raw + 32, edges[i], 32);
        assert_code(verify(&es256, raw, 64), JWTA_SIGNATURE);
        assert_int_equal(signature_of(token, raw), 64);
        memcpy(raw + 32, edges[i], 32);
        assert_code(verify(&es256, raw, 64), JWTA_SIGNATURE);
    }
    free(token);
    one_free(&es256);
}

/* RFC 8032 section 5.1.7: s + L is another spelling of s, and refused. */
static void test_ed25519_malleable(void **state)
{
    static const unsigned char order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a,       0x63,
                                            0x12, 0x58, 0xd6, 0x9c, 0xf7,       0xa2,
                                            0xde, 0xf9, 0xde, 0x14, [31] = 0x10};
    struct one eddsa = one_key("EdDSA");
    char *token = test_sign_input(eddsa.made, "EdDSA", "header.payload");
    unsigned char raw[64];
    unsigned carry = 0;

    (void)state;
    assert_int_equal(signature_of(token, raw), 64);
    for (size_t i = 0; i < 32; i++) {
        carry += (unsigned)raw[32 + i] + order[i];
        raw[32 + i] = (unsigned char)carry;
        carry >>= 8;
    }
    assert_int_equal(carry, 0);
    assert_code(verify(&eddsa, raw, 64), JWTA_SIGNATURE);
    free(token);
    one_free(&eddsa);
}

/* An RSA signature is a number below the modulus, as long as the modulus. */
static void test_rsa_range(void **state)
{
    struct one rs256 = one_key("RS256");
    char *token = test_sign_input(rs256.made, "RS256", "header.payload");
    unsigned char raw[258] = {0};
    size_t len = signature_of(token, raw + 1);
    BIGNUM *modulus = NULL;
    BIGNUM *number = BN_bin2bn(raw + 1, (int)len, NULL);

    (void)state;
    assert_int_equal(len, 256);
    assert_code(verify(&rs256, raw, len + 1), JWTA_SIGNATURE_LENGTH);
    assert_int_equal(EVP_PKEY_get_bn_param(rs256.imported->pkey, "n", &modulus), 1);
    assert_int_equal(BN_add(number, number, modulus), 1);
    if (BN_num_bytes(number) == 256) {
        assert_int_equal(BN_bn2binpad(number, raw, 256), 256);
        assert_code(verify(&rs256, raw, 256), JWTA_SIGNATURE);
    }
    assert_int_equal(BN_bn2binpad(modulus, raw, 256), 256);
    assert_code(verify(&rs256, raw, 256), JWTA_SIGNATURE);
    memset(raw, 0, sizeof(raw));
    raw[255] = 1;
    assert_code(verify(&rs256, raw, 256), JWTA_SIGNATURE);
    BN_free(number);
    BN_free(modulus);
    free(token);
    one_free(&rs256);
}

/* RFC 7518 section 3.5: the salt is as long as the hash, no shorter and no longer. */
static void test_pss_salt(void **state)
{
    static const struct {
        const char *alg;
        int salt;
        enum jwta_code code;
    } rows[] = {
        {"PS256", 32, JWTA_OK},        {"PS256", 0, JWTA_SIGNATURE},
        {"PS256", 20, JWTA_SIGNATURE}, {"PS256", 31, JWTA_SIGNATURE},
        {"PS256", 33, JWTA_SIGNATURE}, {"PS256", 222, JWTA_SIGNATURE},
        {"PS384", 48, JWTA_OK},        {"PS384", 32, JWTA_SIGNATURE},
        {"PS512", 64, JWTA_OK},        {"PS512", 32, JWTA_SIGNATURE},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct one key = one_key(rows[i].alg);
        char *token = test_sign_salt(key.made, rows[i].alg, "header.payload", rows[i].salt);
        unsigned char raw[300];
        size_t len = signature_of(token, raw);

        assert_code(verify(&key, raw, len), rows[i].code);
        free(token);
        one_free(&key);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ecdsa_der),         cmocka_unit_test(test_ecdsa_range),
        cmocka_unit_test(test_ed25519_malleable), cmocka_unit_test(test_rsa_range),
        cmocka_unit_test(test_pss_salt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
