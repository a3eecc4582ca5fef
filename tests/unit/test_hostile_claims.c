/* SPDX-License-Identifier: BSD-2-Clause */
/* Hostile payloads, sizes and signatures; headers and parts are in test_hostile.c. */
#include "tests/unit/hostile.h"

#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

struct row {
    const char *payload;
    enum jwta_code code;
};

static void expect_payloads(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        expect_made(rows[i].payload, hostile_issued(ES256, rows[i].payload), rows[i].code);
}

/* What is no JSON object of ours, although the issuer signed it. */
static void test_json(void **state)
{
    static const struct row rows[] = {
        {GOOD, JWTA_OK},
        {"", JWTA_PAYLOAD_JSON},
        {"Hello", JWTA_PAYLOAD_JSON},
        {"null", JWTA_PAYLOAD_JSON},
        {"true", JWTA_PAYLOAD_JSON},
        {"[" GOOD "]", JWTA_PAYLOAD_JSON},
        {"\"alice\"", JWTA_PAYLOAD_JSON},
        {GOOD GOOD, JWTA_PAYLOAD_JSON},
        {GOOD "x", JWTA_PAYLOAD_JSON},
        {"\xef\xbb\xbf" GOOD, JWTA_PAYLOAD_JSON},
        {"{" ISSUER "," REST ",}", JWTA_PAYLOAD_JSON},
        {"{" ISSUER "," REST, JWTA_PAYLOAD_JSON},
        {"{'iss':'https://idp.example'," REST "}", JWTA_PAYLOAD_JSON},
        {"{" ISSUER "," REST ",\"x\":NaN}", JWTA_PAYLOAD_JSON},
        {"{" ISSUER "," REST ",\"x\":1e400}", JWTA_PAYLOAD_JSON},
        {"{" ISSUER "," REST ",\"x\":1000000000000000000000000000000}", JWTA_PAYLOAD_JSON},
        {"{" ISSUER "," REST ",\"x\":\"\\u0000\"}", JWTA_PAYLOAD_JSON},
        {"{" ISSUER "," REST ",\"x\\u0000\":1}", JWTA_PAYLOAD_JSON},
        {"{" ISSUER "," REST ",\"x\":\"\xff\"}", JWTA_PAYLOAD_JSON},
        {"{" ISSUER "," REST ",\"x\":\"\xc0\x80\"}", JWTA_PAYLOAD_JSON},
        {"{" ISSUER "," REST ",\"x\":\"\xe0\x80\xaf\"}", JWTA_PAYLOAD_JSON},
        {"{" ISSUER "," REST ",\"x\":\"\xed\xb0\x80\"}", JWTA_PAYLOAD_JSON},
        {"{" ISSUER "," REST ",\"x\":\"\\udfff\"}", JWTA_PAYLOAD_JSON},
        {"{" ISSUER "," REST ",\"x\":\"a\tb\"}", JWTA_PAYLOAD_JSON},
        {"{" ISSUER "," REST ",\"sub\":\"root\"}", JWTA_DUPLICATE_MEMBER},
        {"{" ISSUER "," REST "," ISSUER "}", JWTA_DUPLICATE_MEMBER},
        {"{" ISSUER "," REST ",\"s\\u0075b\":\"alice\"}", JWTA_DUPLICATE_MEMBER},
        {"{" ISSUER "," REST ",\"x\":[{\"y\":1,\"y\":2}]}", JWTA_DUPLICATE_MEMBER},
        {"{" ISSUER "," REST ",\"x\":[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]}", JWTA_OK},
        {"{" ISSUER "," REST ",\"x\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}", JWTA_TOO_DEEP},
    };

    (void)state;
    expect_payloads(rows, COUNT_OF(rows));
}

/* Bytes that end a C string do not end a payload. */
static void test_nul(void **state)
{
    static const char after[] = GOOD "\0x";
    static const char inside[] = "{" ISSUER "," REST ",\"x\":\"a\0b\"}";
    static const char number[] = "{" ISSUER "," REST "\0}";
    struct test_key *key = hostile_key("ES256");

    (void)state;
    expect_made("NUL behind a number",
                test_sign_bytes(key, "ES256", ES256, strlen(ES256), number, sizeof(number) - 1),
                JWTA_PAYLOAD_JSON);
    expect_made("NUL behind",
                test_sign_bytes(key, "ES256", ES256, strlen(ES256), after, sizeof(after) - 1),
                JWTA_PAYLOAD_JSON);
    expect_made("NUL inside",
                test_sign_bytes(key, "ES256", ES256, strlen(ES256), inside, sizeof(inside) - 1),
                JWTA_PAYLOAD_JSON);
    expect_made("NUL in the header",
                test_sign_bytes(key, "ES256", ES256, strlen(ES256) + 1, GOOD, strlen(GOOD)),
                JWTA_HEADER_JSON);
}

static void test_issuer(void **state)
{
    static const struct row rows[] = {
        {"{" REST "}", JWTA_ISS_MISSING},
        {"{\"Iss\":\"https://idp.example\"," REST "}", JWTA_ISS_MISSING},
        {"{\"iss\":null," REST "}", JWTA_CLAIM_TYPE},
        {"{\"iss\":1," REST "}", JWTA_CLAIM_TYPE},
        {"{\"iss\":[\"https://idp.example\"]," REST "}", JWTA_CLAIM_TYPE},
        {"{\"iss\":{\"https://idp.example\":1}," REST "}", JWTA_CLAIM_TYPE},
        {"{\"iss\":\"\"," REST "}", JWTA_ISS_UNKNOWN},
        {"{\"iss\":\"https://idp.exampl\"," REST "}", JWTA_ISS_UNKNOWN},
        {"{\"iss\":\"https://idp.example/\"," REST "}", JWTA_ISS_UNKNOWN},
        {"{\"iss\":\"https://idp.example.evil.example\"," REST "}", JWTA_ISS_UNKNOWN},
        {"{\"iss\":\"https://idp.example/realms/other\"," REST "}", JWTA_ISS_UNKNOWN},
        {"{\"iss\":\"HTTPS://idp.example\"," REST "}", JWTA_ISS_UNKNOWN},
        {"{\"iss\":\"https://IDP.example\"," REST "}", JWTA_ISS_UNKNOWN},
        {"{\"iss\":\"http://idp.example\"," REST "}", JWTA_ISS_UNKNOWN},
        {"{\"iss\":\"https://idp.example:443\"," REST "}", JWTA_ISS_UNKNOWN},
        {"{\"iss\":\"https://x@idp.example\"," REST "}", JWTA_ISS_UNKNOWN},
        {"{\"iss\":\" https://idp.example\"," REST "}", JWTA_ISS_UNKNOWN},
        {"{\"iss\":\"https://idp.example\\n\"," REST "}", JWTA_ISS_UNKNOWN},
        {"{\"iss\":\"https://idp%2eexample\"," REST "}", JWTA_ISS_UNKNOWN},
        {"{\"iss\":\"https://\\u0456dp.example\"," REST "}", JWTA_ISS_UNKNOWN},
        {"{\"iss\":\"idp\"," REST "}", JWTA_ISS_UNKNOWN},
        /* configured, but not for this service */
        {"{\"iss\":\"https://elsewhere.example\"," REST "}", JWTA_ISS_UNKNOWN},
    };
    static const char other[] = "{\"iss\":\"https://local.example\"," REST "}";

    (void)state;
    expect_payloads(rows, COUNT_OF(rows));
    /* One issuer's key signs for no other, even where both serve the service. */
    expect_made("another issuer's algorithm", hostile_issued(ES256, other), JWTA_ALG_NOT_ALLOWED);
    expect_made("another issuer's secret",
                test_sign(hostile_key("HS256"), "{\"alg\":\"HS256\",\"kid\":\"HS256\"}", GOOD),
                JWTA_ALG_NOT_ALLOWED);
}

/* Nothing but iss is looked at before the signature holds. */
static void test_order(void **state)
{
    static const char *const payloads[] = {
        "{" ISSUER ",\"exp\":\"never\"}",
        "{" ISSUER ",\"aud\":{}}",
        "{" ISSUER ",\"sub\":1,\"exp\":0}",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(payloads); i++)
        expect_made(payloads[i], test_sign(hostile_attackers_ec(), ES256, payloads[i]),
                    JWTA_SIGNATURE);
}

#define WITH(claims) "{" ISSUER ",\"sub\":\"alice\"," claims "}"
#define AUD "\"aud\":\"ssh\""
#define EXP "\"exp\":2000000300"

static void test_times(void **state)
{
    static const struct row rows[] = {
        {WITH(AUD), JWTA_EXP_MISSING},
        {WITH(AUD ",\"EXP\":2000000300"), JWTA_EXP_MISSING},
        {WITH(AUD ",\"exp\":1999999941"), JWTA_OK},
        {WITH(AUD ",\"exp\":1999999940"), JWTA_EXPIRED},
        {WITH(AUD ",\"exp\":-1"), JWTA_EXPIRED},
        {WITH(AUD ",\"exp\":0.5"), JWTA_EXPIRED},
        {WITH(AUD ",\"exp\":9223372036854775807"), JWTA_CLAIM_TYPE},
        {WITH(AUD ",\"exp\":9223372036854775808"), JWTA_PAYLOAD_JSON},
        {WITH(AUD ",\"exp\":-9223372036854775808"), JWTA_CLAIM_TYPE},
        {WITH(AUD ",\"exp\":1e18"), JWTA_CLAIM_TYPE},
        {WITH(AUD ",\"exp\":1e308"), JWTA_CLAIM_TYPE},
        {WITH(AUD ",\"exp\":1e400"), JWTA_PAYLOAD_JSON},
        {WITH(AUD ",\"exp\":\"2000000300\""), JWTA_CLAIM_TYPE},
        {WITH(AUD ",\"exp\":null"), JWTA_CLAIM_TYPE},
        {WITH(AUD ",\"exp\":true"), JWTA_CLAIM_TYPE},
        {WITH(AUD ",\"exp\":[2000000300]"), JWTA_CLAIM_TYPE},
        {WITH(AUD ",\"exp\":{\"$gt\":0}"), JWTA_CLAIM_TYPE},
        {WITH(AUD "," EXP ",\"nbf\":2000000060"), JWTA_OK},
        {WITH(AUD "," EXP ",\"nbf\":2000000061"), JWTA_NOT_YET_VALID},
        {WITH(AUD "," EXP ",\"nbf\":\"0\""), JWTA_CLAIM_TYPE},
        {WITH(AUD "," EXP ",\"nbf\":null"), JWTA_CLAIM_TYPE},
        {WITH(AUD "," EXP ",\"iat\":2000000061"), JWTA_IAT_FUTURE},
        {WITH(AUD "," EXP ",\"iat\":\"1\""), JWTA_CLAIM_TYPE},
        {WITH(AUD "," EXP ",\"auth_time\":[]"), JWTA_CLAIM_TYPE},
    };

    (void)state;
    expect_payloads(rows, COUNT_OF(rows));
}

static void test_claims(void **state)
{
    static const struct row rows[] = {
        {WITH(EXP), JWTA_AUD_MISSING},
        {WITH(EXP ",\"aud\":[]"), JWTA_AUD_MISSING},
        {WITH(EXP ",\"aud\":\"\""), JWTA_AUDIENCE},
        {WITH(EXP ",\"aud\":\"SSH\""), JWTA_AUDIENCE},
        {WITH(EXP ",\"aud\":\"ssh2\""), JWTA_AUDIENCE},
        {WITH(EXP ",\"aud\":\"ss\""), JWTA_AUDIENCE},
        {WITH(EXP ",\"aud\":\"web ssh\""), JWTA_AUDIENCE},
        {WITH(EXP ",\"aud\":[\"web\",\"mail\"]"), JWTA_AUDIENCE},
        {WITH(EXP ",\"aud\":[\"web\",\"ssh\"]"), JWTA_OK},
        {WITH(EXP ",\"aud\":[\"ssh\",1]"), JWTA_CLAIM_TYPE},
        {WITH(EXP ",\"aud\":[[\"ssh\"]]"), JWTA_CLAIM_TYPE},
        {WITH(EXP ",\"aud\":{\"ssh\":true}"), JWTA_CLAIM_TYPE},
        {WITH(EXP ",\"aud\":null"), JWTA_CLAIM_TYPE},
        {WITH(EXP ",\"aud\":1"), JWTA_CLAIM_TYPE},
        {WITH(EXP "," AUD ",\"jti\":1"), JWTA_CLAIM_TYPE},
        {WITH(EXP "," AUD ",\"scope\":7"), JWTA_CLAIM_TYPE},
        {WITH(EXP "," AUD ",\"scope\":[\"a\",7]"), JWTA_CLAIM_TYPE},
        {WITH(EXP "," AUD ",\"acr\":[]"), JWTA_CLAIM_TYPE},
        {WITH(EXP "," AUD ",\"client_id\":\"alice\""), JWTA_CLIENT_TOKEN},
        {WITH(EXP "," AUD ",\"azp\":\"alice\""), JWTA_CLIENT_TOKEN},
        {WITH(EXP "," AUD ",\"client_id\":7"), JWTA_CLAIM_TYPE},
        {WITH(EXP "," AUD ",\"roles\":7"), JWTA_CLAIM_TYPE},
        {WITH(EXP "," AUD ",\"roles\":{\"admin\":true}"), JWTA_CLAIM_TYPE},
        {WITH(EXP "," AUD ",\"roles\":[\"admin\",{}]"), JWTA_CLAIM_TYPE},
        {WITH(EXP "," AUD ",\"roles\":null"), JWTA_CLAIM_TYPE},
    };

    (void)state;
    expect_payloads(rows, COUNT_OF(rows));
}

#define SUB(value) "{" ISSUER "," AUD "," EXP ",\"sub\":" value "}"

static void test_user(void **state)
{
    static const struct row rows[] = {
        {"{" ISSUER "," AUD "," EXP "}", JWTA_SUB_MISSING},
        {SUB("\"\""), JWTA_SUB_MISSING},
        {SUB("1001"), JWTA_CLAIM_TYPE},
        {SUB("null"), JWTA_CLAIM_TYPE},
        {SUB("[\"alice\"]"), JWTA_CLAIM_TYPE},
        {SUB("\"bob\""), JWTA_USER_MISMATCH},
        {SUB("\"Alice\""), JWTA_USER_MISMATCH},
        {SUB("\"alic\""), JWTA_USER_MISMATCH},
        {SUB("\"alicex\""), JWTA_USER_MISMATCH},
        {SUB("\"root\""), JWTA_USER_MISMATCH},
        {SUB("\"alice\\n\""), JWTA_USER_INVALID},
        {SUB("\"alice \""), JWTA_USER_INVALID},
        {SUB("\" alice\""), JWTA_USER_INVALID},
        {SUB("\"alice:x:0\""), JWTA_USER_INVALID},
        {SUB("\"../alice\""), JWTA_USER_INVALID},
        {SUB("\"-alice\""), JWTA_USER_INVALID},
        {SUB("\"1001\""), JWTA_USER_INVALID},
        {SUB("\"al\\u0131ce\""), JWTA_USER_INVALID},
        {SUB("\"alice\\u200b\""), JWTA_USER_INVALID},
        {SUB("\"alice\\u0000\""), JWTA_PAYLOAD_JSON},
    };
    char *longest = test_format("%0300d", 7);
    char *payload = test_format(SUB("\"a%s\""), longest);

    (void)state;
    expect_payloads(rows, COUNT_OF(rows));
    expect_made("a very long name", hostile_issued(ES256, payload), JWTA_USER_INVALID);
    free(payload);
    free(longest);
}

/* Pads a payload so that the token has exactly so many bytes: base64url has no length 4n + 1. */
static char *token_of_size(size_t size, const char *header)
{
    char *filler = calloc(1, size + 1);
    char *token = NULL;

    assert_non_null(filler);
    memset(filler, 'x', size);
    for (size_t len = size / 2; len < size; len++) {
        char *payload = test_format("{" ISSUER "," REST ",\"x\":\"%.*s\"}", (int)len, filler);

        token = hostile_issued(header, payload);
        free(payload);
        if (strlen(token) >= size)
            break;
        /* The payload grows by at most what is missing. */
        if ((size - strlen(token)) / 4 > 2)
            len += (size - strlen(token)) / 4 * 3 - 4;
        free(token);
        token = NULL;
    }
    free(filler);
    assert_non_null(token);
    return token;
}

static void test_sizes(void **state)
{
    char *largest = token_of_size(16384, ES256);
    char *larger = NULL;
    char *kid = test_format("%03000d", 7);
    char *header = test_format("{\"alg\":\"ES256\",\"kid\":\"%s\"}", kid);

    (void)state;
    if (strlen(largest) != 16384) {
        free(largest);
        largest = token_of_size(16384, ES256 " ");
    }
    assert_int_equal(strlen(largest), 16384);
    expect("16384 bytes", largest, JWTA_OK);
    larger = test_format("%sA", largest);
    expect("16385 bytes", larger, JWTA_TOO_LARGE);
    expect_made("much larger", token_of_size(100000, ES256), JWTA_TOO_LARGE);
    expect_made("kid of 3000 characters", hostile_issued(header, GOOD), JWTA_NO_KEY);
    free(header);
    header = test_format("{\"alg\":\"ES256\",\"kid\":\"ES256\",\"x\":\"%s%s\"}", kid, kid);
    expect_made("header of 8 KiB", hostile_issued(header, GOOD), JWTA_HEADER_TOO_LARGE);
    free(header);
    free(kid);
    free(larger);
    free(largest);
}

/* Puts other bytes in place of a token's signature. */
static char *with_signature(const char *token, const unsigned char *bytes, size_t len)
{
    char *encoded = test_b64(bytes, len);
    char *other = test_format("%.*s.%s", (int)(strrchr(token, '.') - token), token, encoded);

    free(encoded);
    return other;
}

static size_t signature_of(const char *token, unsigned char *out)
{
    char *text = test_format("%s====", strrchr(token, '.') + 1);
    size_t len = strlen(text) - 4;
    size_t whole = (len + 3) / 4 * 4;

    for (char *p = text; *p != '\0'; p++)
        *p = (char)(*p == '-' ? '+' : *p == '_' ? '/' : *p);
    assert_true(EVP_DecodeBlock(out, (const unsigned char *)text, (int)whole) > 0);
    free(text);
    return len / 4 * 3 + (len % 4 > 1 ? len % 4 - 1 : 0);
}

/* Off by one, one family after the other. */
static void test_signature_lengths(void **state)
{
    static const char *const families[] = {"RS256",  "PS256", "ES256", "ES512",
                                           "ES256K", "EdDSA", "Ed448"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(families); i++) {
        char *header = test_format("{\"alg\":\"%s\",\"kid\":\"%s\"}", families[i], families[i]);
        char *token = test_sign(hostile_key(families[i]), header, GOOD);
        unsigned char bytes[600] = {0};
        size_t len = signature_of(token, bytes + 1);

        expect_made(families[i], with_signature(token, bytes + 1, len), JWTA_OK);
        expect_made("shorter", with_signature(token, bytes + 1, len - 1), JWTA_SIGNATURE_LENGTH);
        expect_made("zero behind", with_signature(token, bytes + 1, len + 1),
                    JWTA_SIGNATURE_LENGTH);
        expect_made("zero in front", with_signature(token, bytes, len + 1), JWTA_SIGNATURE_LENGTH);
        expect_made("without its first byte", with_signature(token, bytes + 2, len - 1),
                    JWTA_SIGNATURE_LENGTH);
        memset(bytes, 0, sizeof(bytes));
        expect_made("all zero", with_signature(token, bytes, len), JWTA_SIGNATURE);
        free(token);
        free(header);
    }
}

/* Forms that other verifiers took: r and s of zero (CVE-2022-21449) or the order, and DER. */
static void test_signature_forms(void **state)
{
    static const unsigned char order[32] = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00,
                                            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                            0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84,
                                            0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
    char *token = hostile_issued(ES256, GOOD);
    unsigned char raw[68];
    unsigned char forged[64] = {0};
    unsigned char der[80];
    unsigned char *end = der;
    ECDSA_SIG *pair = ECDSA_SIG_new();
    int len = 0;

    (void)state;
    assert_int_equal(signature_of(token, raw), 64);
    expect_made("r = s = 0", with_signature(token, forged, 64), JWTA_SIGNATURE);
    memcpy(forged, order, 32);
    expect_made("r = n, s = 0", with_signature(token, forged, 64), JWTA_SIGNATURE);
    memcpy(forged + 32, order, 32);
    expect_made("r = s = n", with_signature(token, forged, 64), JWTA_SIGNATURE);
    memcpy(forged + 32, raw + 32, 32);
    expect_made("r = n", with_signature(token, forged, 64), JWTA_SIGNATURE);
    memcpy(forged, raw, 32);
    memset(forged + 32, 0, 32);
    expect_made("s = 0", with_signature(token, forged, 64), JWTA_SIGNATURE);
    assert_int_equal(ECDSA_SIG_set0(pair, BN_bin2bn(raw, 32, NULL), BN_bin2bn(raw + 32, 32, NULL)),
                     1);
    len = i2d_ECDSA_SIG(pair, &end);
    expect_made("DER", with_signature(token, der, (size_t)len), JWTA_SIGNATURE_LENGTH);
    ECDSA_SIG_free(pair);
    free(token);
}

/* RFC 8032 section 5.1.7: s + L is refused, so a signature has one form. */
static void test_signature_malleable(void **state)
{
    static const unsigned char order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a,       0x63,
                                            0x12, 0x58, 0xd6, 0x9c, 0xf7,       0xa2,
                                            0xde, 0xf9, 0xde, 0x14, [31] = 0x10};
    char *token = test_sign(hostile_key("EdDSA"), "{\"alg\":\"EdDSA\",\"kid\":\"EdDSA\"}", GOOD);
    unsigned char raw[68];
    unsigned carry = 0;

    (void)state;
    assert_int_equal(signature_of(token, raw), 64);
    for (size_t i = 0; i < 32; i++) {
        carry += (unsigned)raw[32 + i] + order[i];
        raw[32 + i] = (unsigned char)carry;
        carry >>= 8;
    }
    expect_made("s + L", with_signature(token, raw, 64), JWTA_SIGNATURE);
    free(token);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_nul),
        cmocka_unit_test(test_issuer),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_claims),
        cmocka_unit_test(test_user),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_signature_lengths),
        cmocka_unit_test(test_signature_forms),
        cmocka_unit_test(test_signature_malleable),
    };

    return cmocka_run_group_tests(tests, hostile_setup, hostile_teardown);
}
