/* SPDX-License-Identifier: BSD-2-Clause */
/* What a JWK says of itself; its import is in test_jwk_import.c. */
#include "common/json.h"
#include "common/jwk.h"
#include "tests/unit/check.h"
#include "tests/unit/token.h"

#include <stdlib.h>
#include <string.h>

static json_t *parsed(const char *text)
{
    json_t *root = json_loads(text, JSON_DECODE_ANY, NULL);

    assert_non_null(root);
    return root;
}

static enum jwta_code read_code(const char *text)
{
    json_t *root = parsed(text);
    struct jwta_jwk jwk;
    enum jwta_code code = jwta_jwk_read(root, &jwk, NULL);

    json_decref(root);
    return code;
}

static void test_read(void **state)
{
    static const struct {
        const char *text;
        enum jwta_code code;
    } rows[] = {
        {"{\"kty\":\"RSA\"}", JWTA_OK},
        {"{\"kty\":\"oct\"}", JWTA_OK},
        {"{\"kty\":\"EC\",\"crv\":\"P-256\"}", JWTA_OK},
        {"{\"kty\":\"EC\",\"crv\":\"secp256k1\"}", JWTA_OK},
        {"{\"kty\":\"OKP\",\"crv\":\"Ed448\"}", JWTA_OK},
        {"{\"kty\":\"RSA\",\"unknown\":[{}]}", JWTA_OK},
        /* type and curve */
        {"{}", JWTA_JWK_MALFORMED},
        {"{\"kty\":1}", JWTA_JWK_MALFORMED},
        {"{\"kty\":null}", JWTA_JWK_MALFORMED},
        {"{\"kty\":\"\"}", JWTA_JWK_KTY},
        {"{\"kty\":\"rsa\"}", JWTA_JWK_KTY},
        {"{\"kty\":\"OCT\"}", JWTA_JWK_KTY},
        {"{\"kty\":\"DSA\"}", JWTA_JWK_KTY},
        {"{\"kty\":\"EC\"}", JWTA_JWK_MALFORMED},
        {"{\"kty\":\"EC\",\"crv\":256}", JWTA_JWK_MALFORMED},
        {"{\"kty\":\"EC\",\"crv\":\"p-256\"}", JWTA_JWK_KTY},
        {"{\"kty\":\"EC\",\"crv\":\"P-224\"}", JWTA_JWK_KTY},
        {"{\"kty\":\"EC\",\"crv\":\"Ed25519\"}", JWTA_JWK_KTY},
        {"{\"kty\":\"OKP\",\"crv\":\"P-256\"}", JWTA_JWK_KTY},
        {"{\"kty\":\"OKP\",\"crv\":\"X25519\"}", JWTA_JWK_KTY},
        /* use and key_ops */
        {"{\"kty\":\"RSA\",\"use\":\"sig\"}", JWTA_OK},
        {"{\"kty\":\"RSA\",\"use\":\"enc\"}", JWTA_JWK_USE},
        {"{\"kty\":\"RSA\",\"use\":\"Sig\"}", JWTA_JWK_USE},
        {"{\"kty\":\"RSA\",\"use\":\"\"}", JWTA_JWK_USE},
        {"{\"kty\":\"RSA\",\"use\":[\"sig\"]}", JWTA_JWK_MALFORMED},
        {"{\"kty\":\"RSA\",\"key_ops\":[\"verify\"]}", JWTA_OK},
        {"{\"kty\":\"oct\",\"key_ops\":[\"sign\",\"verify\"]}", JWTA_OK},
        {"{\"kty\":\"RSA\",\"key_ops\":[\"sign\"]}", JWTA_JWK_USE},
        {"{\"kty\":\"RSA\",\"key_ops\":[\"encrypt\",\"wrapKey\"]}", JWTA_JWK_USE},
        {"{\"kty\":\"RSA\",\"key_ops\":[]}", JWTA_JWK_USE},
        {"{\"kty\":\"RSA\",\"key_ops\":[1]}", JWTA_JWK_USE},
        {"{\"kty\":\"RSA\",\"key_ops\":\"verify\"}", JWTA_JWK_MALFORMED},
        {"{\"kty\":\"RSA\",\"use\":\"enc\",\"key_ops\":[\"verify\"]}", JWTA_JWK_USE},
        {"{\"kty\":\"RSA\",\"use\":\"sig\",\"key_ops\":[\"encrypt\"]}", JWTA_JWK_USE},
        /* alg */
        {"{\"kty\":\"RSA\",\"alg\":\"RS256\"}", JWTA_OK},
        {"{\"kty\":\"RSA\",\"alg\":\"PS512\"}", JWTA_OK},
        {"{\"kty\":\"RSA\",\"alg\":\"RSA-OAEP\"}", JWTA_JWK_ALG},
        {"{\"kty\":\"RSA\",\"alg\":\"none\"}", JWTA_JWK_ALG},
        {"{\"kty\":\"RSA\",\"alg\":\"ES256\"}", JWTA_JWK_ALG},
        {"{\"kty\":\"RSA\",\"alg\":\"HS256\"}", JWTA_JWK_ALG},
        {"{\"kty\":\"oct\",\"alg\":\"RS256\"}", JWTA_JWK_ALG},
        {"{\"kty\":\"oct\",\"alg\":\"A256GCM\"}", JWTA_JWK_ALG},
        {"{\"kty\":\"EC\",\"crv\":\"P-256\",\"alg\":\"ES384\"}", JWTA_JWK_ALG},
        {"{\"kty\":\"EC\",\"crv\":\"P-256\",\"alg\":\"ES256K\"}", JWTA_JWK_ALG},
        {"{\"kty\":\"EC\",\"crv\":\"P-521\",\"alg\":\"ES521\"}", JWTA_JWK_ALG},
        {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"alg\":\"EdDSA\"}", JWTA_OK},
        {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"alg\":\"Ed25519\"}", JWTA_OK},
        {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"alg\":\"Ed448\"}", JWTA_JWK_ALG},
        {"{\"kty\":\"RSA\",\"alg\":256}", JWTA_JWK_MALFORMED},
        {"{\"kty\":\"AKP\",\"alg\":\"ML-DSA-44\"}", JWTA_OK},
        {"{\"kty\":\"AKP\"}", JWTA_JWK_MALFORMED},
        {"{\"kty\":\"AKP\",\"alg\":\"RS256\"}", JWTA_JWK_ALG},
        /* the rest */
        {"{\"kty\":\"RSA\",\"kid\":7}", JWTA_JWK_MALFORMED},
        {"{\"kty\":\"RSA\",\"kid\":null}", JWTA_JWK_MALFORMED},
        {"[]", JWTA_JWK_MALFORMED},
        {"\"RSA\"", JWTA_JWK_MALFORMED},
        {"null", JWTA_JWK_MALFORMED},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_code(read_code(rows[i].text), rows[i].code);
}

/* A list names a key by its kid and type also when the key is of no use. */
static void test_read_names(void **state)
{
    json_t *root = parsed("{\"kid\":\"k1\",\"kty\":\"RSA\",\"use\":\"enc\"}");
    struct jwta_why why = {0};
    struct jwta_jwk jwk;

    (void)state;
    assert_code(jwta_jwk_read(root, &jwk, &why), JWTA_JWK_USE);
    assert_true(jwta_span_is(jwk.kid, "k1"));
    assert_true(jwta_span_is(jwk.kty_name, "RSA"));
    assert_string_equal(why.text, "use is \"enc\", not \"sig\"");
    json_decref(root);
    root = parsed("{\"kty\":\"EC\",\"crv\":\"P-521\",\"alg\":\"ES512\"}");
    assert_code(jwta_jwk_read(root, &jwk, NULL), JWTA_OK);
    assert_int_equal(jwk.kty, JWTA_KTY_EC);
    assert_true(jwta_span_is(jwk.crv, "P-521"));
    assert_string_equal(jwk.alg->name, "ES512");
    assert_null(jwk.kid.data);
    json_decref(root);
}

/* Each key serves exactly these algorithms. */
static void test_fits(void **state)
{
    static const struct {
        const char *text;
        const char *algs; /* each between spaces */
    } rows[] = {
        {"{\"kty\":\"RSA\"}", " RS256 RS384 RS512 PS256 PS384 PS512 "},
        {"{\"kty\":\"RSA\",\"alg\":\"RS256\"}", " RS256 "},
        {"{\"kty\":\"RSA\",\"alg\":\"PS384\"}", " PS384 "},
        {"{\"kty\":\"oct\"}", " HS256 HS384 HS512 "},
        {"{\"kty\":\"oct\",\"alg\":\"HS512\"}", " HS512 "},
        {"{\"kty\":\"EC\",\"crv\":\"P-256\"}", " ES256 "},
        {"{\"kty\":\"EC\",\"crv\":\"P-384\"}", " ES384 "},
        {"{\"kty\":\"EC\",\"crv\":\"P-521\"}", " ES512 "},
        {"{\"kty\":\"EC\",\"crv\":\"secp256k1\"}", " ES256K "},
        {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\"}", " EdDSA Ed25519 "},
        {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"alg\":\"EdDSA\"}", " EdDSA Ed25519 "},
        {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"alg\":\"Ed25519\"}", " EdDSA Ed25519 "},
        {"{\"kty\":\"OKP\",\"crv\":\"Ed448\"}", " EdDSA Ed448 "},
        {"{\"kty\":\"OKP\",\"crv\":\"Ed448\",\"alg\":\"Ed448\"}", " EdDSA Ed448 "},
        {"{\"kty\":\"AKP\",\"alg\":\"ML-DSA-65\"}", " ML-DSA-65 "},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        json_t *root = parsed(rows[i].text);
        const struct jwta_alg *alg = NULL;
        struct jwta_jwk jwk;

        assert_code(jwta_jwk_read(root, &jwk, NULL), JWTA_OK);
        for (size_t k = 0; (alg = jwta_alg_at(k)) != NULL; k++) {
            char *name = test_format(" %s ", alg->name);

            assert_int_equal(jwta_jwk_fits(&jwk, alg), strstr(rows[i].algs, name) != NULL);
            free(name);
        }
        json_decref(root);
    }
}

static void test_same_material(void **state)
{
    static const struct {
        const char *a;
        const char *b;
        bool same;
    } rows[] = {
        {"{\"kty\":\"oct\",\"k\":\"AAAA\"}", "{\"kty\":\"oct\",\"k\":\"AAAA\",\"kid\":\"x\"}",
         true},
        {"{\"kty\":\"oct\",\"k\":\"AAAA\"}", "{\"kty\":\"oct\",\"k\":\"AAAB\"}", false},
        {"{\"kty\":\"oct\"}", "{\"kty\":\"oct\"}", false},
        {"{\"kty\":\"RSA\",\"n\":\"AA\",\"e\":\"AQAB\"}",
         "{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"AA\",\"use\":\"sig\"}", true},
        {"{\"kty\":\"RSA\",\"n\":\"AA\",\"e\":\"AQAB\"}",
         "{\"kty\":\"RSA\",\"n\":\"AA\",\"e\":\"Aw\"}", false},
        {"{\"kty\":\"RSA\",\"n\":\"AA\"}", "{\"kty\":\"RSA\",\"n\":\"AA\"}", false},
        {"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"A\",\"y\":\"B\"}",
         "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"A\",\"y\":\"B\"}", true},
        {"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"A\",\"y\":\"B\"}",
         "{\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"A\",\"y\":\"B\"}", false},
        {"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"A\",\"y\":\"B\"}",
         "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"A\",\"y\":\"C\"}", false},
        {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"A\"}", "{\"kty\":\"oct\",\"k\":\"A\"}",
         false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        json_t *a = parsed(rows[i].a);
        json_t *b = parsed(rows[i].b);
        struct jwta_jwk first;
        struct jwta_jwk second;

        assert_code(jwta_jwk_read(a, &first, NULL), JWTA_OK);
        assert_code(jwta_jwk_read(b, &second, NULL), JWTA_OK);
        assert_int_equal(jwta_jwk_same_material(&first, &second), rows[i].same);
        assert_int_equal(jwta_jwk_same_material(&second, &first), rows[i].same);
        json_decref(a);
        json_decref(b);
    }
}

/* RFC 7638 section 3.1 and RFC 8037 appendix A.3; members beyond the key itself change nothing. */
static void test_thumbprint(void **state)
{
    static const struct {
        const char *text;
        const char *thumbprint;
    } rows[] = {
        {"{\"kty\":\"RSA\",\"n\":"
         "\"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1"
         "RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6"
         "Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbI"
         "SD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8aw"
         "apJzKnqDKgw\",\"e\":\"AQAB\",\"alg\":\"RS256\",\"kid\":\"2011-04-29\"}",
         "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"},
        {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_"
         "7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
         "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"},
    };
    struct jwta_jwk jwk;
    char out[JWTA_THUMBPRINT_SIZE];
    json_t *root = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        root = parsed(rows[i].text);
        assert_code(jwta_jwk_read(root, &jwk, NULL), JWTA_OK);
        assert_code(jwta_jwk_thumbprint(&jwk, out), JWTA_OK);
        assert_string_equal(out, rows[i].thumbprint);
        json_decref(root);
    }
    root = parsed("{\"kty\":\"RSA\",\"n\":\"AA\"}");
    assert_code(jwta_jwk_read(root, &jwk, NULL), JWTA_OK);
    assert_code(jwta_jwk_thumbprint(&jwk, out), JWTA_JWK_MALFORMED);
    json_decref(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),       cmocka_unit_test(test_read_names),
        cmocka_unit_test(test_fits),       cmocka_unit_test(test_same_material),
        cmocka_unit_test(test_thumbprint),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
