/* SPDX-License-Identifier: BSD-2-Clause */
/* Parts and protected header; signatures are in test_jws_verify.c. */
#include "common/jws.h"
#include "tests/unit/check.h"
#include "tests/unit/token.h"

#include <stdlib.h>
#include <string.h>

static void test_split(void **state)
{
    struct jwta_span token = jwta_span_of("eyJ9.UGF5.c2ln");
    struct jwta_jws jws = {0};

    (void)state;
    assert_code(jwta_jws_split(token, &jws, NULL), JWTA_OK);
    assert_true(jwta_span_is(jws.header, "eyJ9"));
    assert_true(jwta_span_is(jws.payload, "UGF5"));
    assert_true(jwta_span_is(jws.signature, "c2ln"));
    assert_true(jwta_span_is(jws.signing_input, "eyJ9.UGF5"));
    /* Empty payload and empty signature are for the next steps to judge. */
    assert_code(jwta_jws_split(jwta_span_of("eyJ9.."), &jws, NULL), JWTA_OK);
    assert_int_equal(jws.payload.len, 0);
    assert_int_equal(jws.signature.len, 0);
    assert_non_null(jws.signature.data);
    assert_true(jwta_span_is(jws.signing_input, "eyJ9."));
}

static void test_split_refused(void **state)
{
    static const struct {
        const char *token;
        enum jwta_code code;
    } rows[] = {
        {"", JWTA_NOT_JWT},
        {".", JWTA_NOT_JWT},
        {"..", JWTA_NOT_JWT},
        {"...", JWTA_NOT_JWT},
        {"a", JWTA_NOT_JWT},
        {"a.b", JWTA_NOT_JWT},
        {"a.b.c.d", JWTA_NOT_JWT},
        {".b.c", JWTA_NOT_JWT},
        {"a.b.c.d.e", JWTA_JWE},
        {"....", JWTA_JWE},
        {"a.b.c.d.e.f", JWTA_NOT_JWT},
        {" AA.AA.AA", JWTA_NOT_JWT},
        {"AA.AA.AA ", JWTA_NOT_JWT},
        {"AA.AA.AA\n", JWTA_NOT_JWT},
        {"AA.AA.AA\r\n", JWTA_NOT_JWT},
        {"AA.AA\n.AA", JWTA_NOT_JWT},
        {"AA.AA.AA=", JWTA_NOT_JWT},
        {"AA=.AA.AA", JWTA_NOT_JWT},
        {"AA.AA+.AA", JWTA_NOT_JWT},
        {"AA.AA.AA/", JWTA_NOT_JWT},
        {"AA.AA.\xc3\xa9", JWTA_NOT_JWT},
        {"{\"payload\":\"AA.AA.AA\"}", JWTA_NOT_JWT},
        /* left-over bits, impossible lengths: in each of the parts */
        {"AB.AA.AA", JWTA_BASE64},
        {"AA.AB.AA", JWTA_BASE64},
        {"AA.AA.AB", JWTA_BASE64},
        {"AAB.AA.AA", JWTA_BASE64},
        {"AA.A.AA", JWTA_BASE64},
        {"AA.AA.AAAAA", JWTA_BASE64},
    };
    struct jwta_why why = {0};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct jwta_jws jws = {.header = {.len = 7}};

        assert_code(jwta_jws_split(jwta_span_of(rows[i].token), &jws, &why), rows[i].code);
        assert_code(why.code, rows[i].code);
        assert_int_equal(jws.header.len, 7);
    }
    assert_code(jwta_jws_split(jwta_span(NULL, 0), &(struct jwta_jws){0}, NULL), JWTA_NOT_JWT);
    assert_code(jwta_jws_split(jwta_span("AA.AA.AA\0", 9), &(struct jwta_jws){0}, NULL),
                JWTA_NOT_JWT);
    assert_code(jwta_jws_split(jwta_span("AA.\0.AA", 7), &(struct jwta_jws){0}, NULL),
                JWTA_NOT_JWT);
}

/* Header and token at their bounds and one past them; four characters are three whole bytes. */
static void test_bounds(void **state)
{
    static char text[JWTA_TOKEN_MAX + 8];
    struct jwta_jws jws;

    (void)state;
    memset(text, 'A', sizeof(text));
    text[JWTA_HEADER_MAX] = '.';
    text[JWTA_HEADER_MAX + 3] = '.';
    assert_int_equal((JWTA_TOKEN_MAX - JWTA_HEADER_MAX - 4) % 4, 0);
    assert_code(jwta_jws_split(jwta_span(text, JWTA_TOKEN_MAX), &jws, NULL), JWTA_OK);
    assert_int_equal(jws.header.len, JWTA_HEADER_MAX);
    assert_code(jwta_jws_split(jwta_span(text, JWTA_TOKEN_MAX + 1), &jws, NULL), JWTA_TOO_LARGE);
    memset(text, 'A', sizeof(text));
    text[JWTA_HEADER_MAX + 2] = '.';
    text[JWTA_HEADER_MAX + 5] = '.';
    assert_code(jwta_jws_split(jwta_span(text, JWTA_HEADER_MAX + 6), &jws, NULL),
                JWTA_HEADER_TOO_LARGE);
}

static void test_shape(void **state)
{
    static const char *const yes[] = {"eyJhbGciOiJub25lIn0.e30.", "eyJ..", "eyJ9.UGF5.c2ln"};
    static const char *const no[] = {
        "",         "password", "eyJ",      "eyJ.a",    "eyJ.a.b.c", "eyJ.a.b.c.d",
        "eyj.a.b",  "EyJ.a.b",  " eyJ.a.b", "eyJ.a.b ", "eyJ.a.b\n", "eyJ.a!.b",
        "eyJ.a.b=", "ey",       "e.y.J",    "a.eyJ.b",  "..",        "eyJ.pass word.",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(yes); i++)
        assert_true(jwta_jws_shape(jwta_span_of(yes[i])));
    for (size_t i = 0; i < COUNT_OF(no); i++)
        assert_false(jwta_jws_shape(jwta_span_of(no[i])));
    assert_false(jwta_jws_shape(jwta_span(NULL, 0)));
    assert_false(jwta_jws_shape(jwta_span("eyJ.a.b\0", 8)));
}

#define HEADER "eyJhbGciOiJFUzI1NiJ9"

/* What holds a token, whole or spoilt, is kept from modules that take passwords. */
static void test_resembled(void **state)
{
    static const char *const yes[] = {
        HEADER ".UGF5.c2ln",
        HEADER "..",
        " " HEADER ".UGF5.c2ln",
        "\r\n\t" HEADER ".a.b",
        HEADER ".UGF5.c2ln ",
        HEADER ".UGF5.c2ln\n",
        HEADER ".UGF5.c2ln=",
        HEADER ".UGF5.c2l!",
        HEADER ".UGF5.c2ln.",
        HEADER ".a.b.c.d",
        HEADER ".UGF5.c2ln extra",
        "eyJ9.UGF5.c2ln",
        "Bearer " HEADER ".a.b",
        "\"" HEADER ".a.b\"",
        "eyAiYWxnIjoiSFMyNTYifQ.e30.c2ln",
        HEADER ".eyJpc3MiOiJodHRwczov", /* cut by a client */
    };
    static const char *const no[] = {
        "",
        " ",
        "password",
        "correct horse.battery.staple",
        "eyJ",
        "eyJoin the club",
        HEADER,
        HEADER ".UGF5",
        "a.b.c",
        "Bearer",
        "EyJhbGciOiJFUzI1NiJ9.a.b",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(yes); i++) {
        if (!jwta_jws_resembled(jwta_span_of(yes[i])))
            fail_msg("no token in: %s", yes[i]);
    }
    for (size_t i = 0; i < COUNT_OF(no); i++) {
        if (jwta_jws_resembled(jwta_span_of(no[i])))
            fail_msg("a token in: %s", no[i]);
    }
    assert_false(jwta_jws_resembled(jwta_span(NULL, 0)));
}

static enum jwta_code read_bytes(const void *bytes, size_t len, struct jwta_header **out,
                                 struct jwta_why *why)
{
    char *encoded = test_b64(bytes, len);
    enum jwta_code code = jwta_header_read(jwta_span_of(encoded), out, why);

    free(encoded);
    return code;
}

static void test_header(void **state)
{
    static const char text[] = "{\"alg\":\"ES256\",\"kid\":\"k1\",\"typ\":\"at+jwt\",\"x\":[1,{}],"
                               "\"jku\":\"https://evil.example/\",\"jwk\":{\"kty\":\"oct\"},"
                               "\"x5u\":\"https://evil.example/\",\"x5c\":[\"AA==\"],\"b64\":true}";
    struct jwta_header *header = NULL;

    (void)state;
    assert_code(read_bytes(text, strlen(text), &header, NULL), JWTA_OK);
    assert_string_equal(header->alg->name, "ES256");
    assert_true(jwta_span_is(header->kid, "k1"));
    assert_true(jwta_span_is(header->typ, "at+jwt"));
    jwta_header_unref(&header);
    assert_null(header);
    jwta_header_unref(&header);
    assert_code(read_bytes("{\"alg\":\"HS512\"}", 15, &header, NULL), JWTA_OK);
    assert_null(header->kid.data);
    assert_null(header->typ.data);
    jwta_header_unref(&header);
}

#define ALG "\"alg\":\"ES256\""

static void test_header_refused(void **state)
{
    static const struct {
        const char *text;
        enum jwta_code code;
    } rows[] = {
        {"", JWTA_HEADER_JSON},
        {"{", JWTA_HEADER_JSON},
        {"[]", JWTA_HEADER_JSON},
        {"\"ES256\"", JWTA_HEADER_JSON},
        {"{" ALG "}x", JWTA_HEADER_JSON},
        {"{" ALG ",\"kid\":\"\\u0000\"}", JWTA_HEADER_JSON},
        {"{" ALG ",\"kid\":\"\xff\"}", JWTA_HEADER_JSON},
        {"{" ALG ",\"kid\":\"\xc0\xaf\"}", JWTA_HEADER_JSON},
        {"{" ALG "," ALG "}", JWTA_DUPLICATE_MEMBER},
        {"{" ALG ",\"alg\":\"none\"}", JWTA_DUPLICATE_MEMBER},
        {"{" ALG ",\"x\":{\"y\":1,\"y\":1}}", JWTA_DUPLICATE_MEMBER},
        {"{" ALG ",\"x\":[[[1]]]}", JWTA_OK},
        {"{" ALG ",\"x\":[[[[]]]]}", JWTA_TOO_DEEP},
        {"{" ALG ",\"x\":{\"x\":{\"x\":{\"x\":{}}}}}", JWTA_TOO_DEEP},
        {"{}", JWTA_ALG_MISSING},
        {"{\"ALG\":\"ES256\"}", JWTA_ALG_MISSING},
        {"{\"alg\":null}", JWTA_HEADER_TYPE},
        {"{\"alg\":[\"ES256\"]}", JWTA_HEADER_TYPE},
        {"{\"alg\":256}", JWTA_HEADER_TYPE},
        {"{\"alg\":{\"ES256\":true}}", JWTA_HEADER_TYPE},
        {"{\"alg\":true}", JWTA_HEADER_TYPE},
        {"{\"alg\":\"none\"}", JWTA_ALG_NONE},
        {"{\"alg\":\"None\"}", JWTA_ALG_NONE},
        {"{\"alg\":\"NONE\"}", JWTA_ALG_NONE},
        {"{\"alg\":\"nOnE\"}", JWTA_ALG_NONE},
        {"{\"alg\":\"n\\u006fne\"}", JWTA_ALG_NONE},
        {"{\"alg\":\"none \"}", JWTA_ALG_UNKNOWN},
        {"{\"alg\":\"\"}", JWTA_ALG_UNKNOWN},
        {"{\"alg\":\"es256\"}", JWTA_ALG_UNKNOWN},
        {"{\"alg\":\"HS1\"}", JWTA_ALG_UNKNOWN},
        {"{\"alg\":\"RSA-OAEP\"}", JWTA_ALG_UNKNOWN},
        {"{\"alg\":\"dir\"}", JWTA_ALG_UNKNOWN},
        {"{" ALG ",\"crit\":[\"exp\"],\"exp\":1}", JWTA_CRIT},
        {"{" ALG ",\"crit\":[\"alg\"]}", JWTA_CRIT},
        {"{" ALG ",\"crit\":[]}", JWTA_CRIT},
        {"{" ALG ",\"crit\":null}", JWTA_CRIT},
        {"{" ALG ",\"crit\":\"b64\"}", JWTA_CRIT},
        {"{" ALG ",\"crit\":{}}", JWTA_CRIT},
        {"{" ALG ",\"crit\":[1]}", JWTA_CRIT},
        {"{" ALG ",\"crit\":[\"b64\"],\"b64\":true}", JWTA_CRIT},
        {"{" ALG ",\"crit\":[\"b64\"],\"b64\":false}", JWTA_B64_HEADER},
        {"{" ALG ",\"b64\":false}", JWTA_B64_HEADER},
        {"{" ALG ",\"b64\":null}", JWTA_B64_HEADER},
        {"{" ALG ",\"b64\":\"true\"}", JWTA_B64_HEADER},
        {"{" ALG ",\"b64\":1}", JWTA_B64_HEADER},
        {"{" ALG ",\"b64\":true}", JWTA_OK},
        {"{" ALG ",\"kid\":7}", JWTA_HEADER_TYPE},
        {"{" ALG ",\"kid\":null}", JWTA_HEADER_TYPE},
        {"{" ALG ",\"kid\":[\"k\"]}", JWTA_HEADER_TYPE},
        {"{" ALG ",\"typ\":{}}", JWTA_HEADER_TYPE},
        {"{" ALG ",\"typ\":null}", JWTA_HEADER_TYPE},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct jwta_header *header = NULL;
        struct jwta_why why = {0};

        assert_code(read_bytes(rows[i].text, strlen(rows[i].text), &header, &why), rows[i].code);
        assert_code(why.code, rows[i].code);
        assert_int_equal(header != NULL, rows[i].code == JWTA_OK);
        jwta_header_unref(&header);
    }
}

static void test_header_encoding(void **state)
{
    struct jwta_header *header = NULL;
    char *encoded = test_b64("{" ALG "} ", 16);
    char *large = malloc(JWTA_HEADER_MAX + 4);

    (void)state;
    assert_non_null(large);
    memset(large, 'A', JWTA_HEADER_MAX + 4);
    /* 16 bytes leave four bits over: they must be zero. */
    assert_code(jwta_header_read(jwta_span_of(encoded), &header, NULL), JWTA_OK);
    jwta_header_unref(&header);
    encoded[strlen(encoded) - 1]++;
    assert_code(jwta_header_read(jwta_span_of(encoded), &header, NULL), JWTA_BASE64);
    assert_code(jwta_header_read(jwta_span_of("eyJ9!"), &header, NULL), JWTA_BASE64);
    assert_code(jwta_header_read(jwta_span_of("A"), &header, NULL), JWTA_BASE64);
    assert_code(jwta_header_read(jwta_span(large, JWTA_HEADER_MAX + 1), &header, NULL),
                JWTA_HEADER_TOO_LARGE);
    assert_code(jwta_header_read(jwta_span(large, JWTA_HEADER_MAX), &header, NULL),
                JWTA_HEADER_JSON);
    assert_null(header);
    free(large);
    free(encoded);
}

static void test_header_counted(void **state)
{
    struct jwta_header *header = NULL;
    struct jwta_header *again = NULL;

    (void)state;
    assert_code(read_bytes("{" ALG ",\"kid\":\"k\"}", 25, &header, NULL), JWTA_OK);
    again = jwta_header_ref(header);
    assert_ptr_equal(again, header);
    jwta_header_unref(&header);
    assert_null(header);
    assert_true(jwta_span_is(again->kid, "k"));
    jwta_header_unref(&again);
}

/* The detail names what came from outside only in quotes. */
static void test_header_why(void **state)
{
    static const char text[] = "{\"alg\":\"x\\ny\"}";
    struct jwta_header *header = NULL;
    struct jwta_why why = {0};

    (void)state;
    assert_code(read_bytes(text, strlen(text), &header, &why), JWTA_ALG_UNKNOWN);
    assert_string_equal(why.text, "alg \"x\\x0ay\" is not implemented");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_split),          cmocka_unit_test(test_split_refused),
        cmocka_unit_test(test_bounds),         cmocka_unit_test(test_shape),
        cmocka_unit_test(test_resembled),      cmocka_unit_test(test_header),
        cmocka_unit_test(test_header_refused), cmocka_unit_test(test_header_encoding),
        cmocka_unit_test(test_header_counted), cmocka_unit_test(test_header_why),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
