/* SPDX-License-Identifier: BSD-2-Clause */
/* The codec by itself: error messages and their bound, and that what is written is what is read. */
#include "common/json.h"
#include "sasl_jwt/message.h"
#include "tests/unit/check.h"

#include <stdlib.h>
#include <string.h>

static struct jwta_span text(const char *string)
{
    return jwta_span_of(string);
}

static char *error_of(enum jwta_mechanism mechanism, const struct jwta_server_error *error)
{
    struct jwta_buf buf = {0};
    json_t *object = NULL;
    char *copy = NULL;

    assert_code(jwta_server_error_write(mechanism, error, &buf), JWTA_OK);
    assert_true(buf.len <= JWTA_ERROR_MAX);
    assert_code(jwta_json_parse(jwta_buf_span(&buf), 1, JWTA_PAYLOAD_JSON, &object, NULL), JWTA_OK);
    json_decref(object);
    copy = strndup(buf.data, buf.len);
    assert_non_null(copy);
    jwta_buf_free(&buf);
    return copy;
}

static void assert_error(enum jwta_mechanism mechanism, const struct jwta_server_error *error,
                         const char *expected)
{
    char *got = error_of(mechanism, error);

    assert_string_equal(got, expected);
    free(got);
}

static void writes_errors(void **state)
{
    const struct jwta_server_error full = {JWTA_REFUSAL_SCOPE, text("a b"), text("https://x/y")};
    const struct jwta_server_error bare = {.refusal = JWTA_REFUSAL_REQUEST};
    const struct jwta_server_error empty = {JWTA_REFUSAL_TOKEN, text(""), text("")};

    (void)state;
    assert_error(JWTA_OAUTHBEARER, &full,
                 "{\"status\":\"insufficient_scope\",\"scope\":\"a b\","
                 "\"openid-configuration\":\"https://x/y\"}");
    assert_error(JWTA_XOAUTH2, &full,
                 "{\"status\":\"403\",\"schemes\":\"bearer\",\"scope\":\"a b\"}");
    assert_error(JWTA_OAUTHBEARER, &bare, "{\"status\":\"invalid_request\"}");
    assert_error(JWTA_XOAUTH2, &bare, "{\"status\":\"400\",\"schemes\":\"bearer\"}");
    assert_error(JWTA_OAUTHBEARER, &empty, "{\"status\":\"invalid_token\"}");
}

static void escapes_what_it_writes(void **state)
{
    const struct jwta_server_error quoted = {JWTA_REFUSAL_TOKEN, text("a\"b\\c\n\t\001d\303\274"),
                                             text("https://x/\"")};
    const struct jwta_server_error no_text = {JWTA_REFUSAL_TOKEN, text("a\377b"),
                                              text("https://x/\300\200")};

    (void)state;
    assert_error(JWTA_OAUTHBEARER, &quoted,
                 "{\"status\":\"invalid_token\",\"scope\":\"a\\\"b\\\\c\\n\\t\\u0001d\303\274\","
                 "\"openid-configuration\":\"https://x/\\\"\"}");
    assert_error(JWTA_OAUTHBEARER, &no_text, "{\"status\":\"invalid_token\"}");
}

/* A message of 1 KiB whatever is configured: the scope goes first, then the address. */
static void bounds_errors(void **state)
{
    char many[2000];
    struct jwta_server_error error = {.refusal = JWTA_REFUSAL_TOKEN};
    size_t with = 0;
    size_t without = 0;

    (void)state;
    memset(many, 'x', sizeof(many));
    for (size_t len = 800; len < 1100; len++) {
        char *got = NULL;

        error.scope = jwta_span(many, len);
        error.openid_configuration = text("https://x/y");
        got = error_of(JWTA_OAUTHBEARER, &error);
        assert_non_null(strstr(got, "\"openid-configuration\":\"https://x/y\""));
        *(strstr(got, "\"scope\"") != NULL ? &with : &without) += 1;
        /* To the byte: what would fit is not left out. */
        assert_int_equal(strstr(got, "\"scope\"") != NULL,
                         len + strlen("{\"status\":\"invalid_token\",\"scope\":\"\","
                                      "\"openid-configuration\":\"https://x/y\"}") <=
                             JWTA_ERROR_MAX);
        free(got);
    }
    assert_true(with > 0 && without > 0);
    error.openid_configuration = jwta_span(many, sizeof(many));
    assert_error(JWTA_OAUTHBEARER, &error, "{\"status\":\"invalid_token\"}");
    error.scope = jwta_span(many, sizeof(many));
    assert_error(JWTA_XOAUTH2, &error, "{\"status\":\"401\",\"schemes\":\"bearer\"}");
}

static void reads_errors(void **state)
{
    const struct jwta_server_error error = {.refusal = JWTA_REFUSAL_TOKEN};
    struct jwta_quoted status;
    char *written = error_of(JWTA_OAUTHBEARER, &error);

    (void)state;
    assert_true(jwta_server_error_read(text(written), &status));
    assert_string_equal(status.text, "\"invalid_token\"");
    assert_true(jwta_server_error_read(text("{\"status\":\"\\u001b[2J\"}"), &status));
    assert_string_equal(status.text, "\"\\x1b[2J\"");
    assert_false(jwta_server_error_read(text("{\"status\":null}"), &status));
    assert_false(jwta_server_error_read(text(""), &status));
    free(written);
}

static void knows_the_answer_to_an_error(void **state)
{
    (void)state;
    assert_true(jwta_error_answered(JWTA_OAUTHBEARER, jwta_error_answer));
    assert_true(jwta_error_answered(JWTA_XOAUTH2, jwta_error_answer));
    assert_true(jwta_error_answered(JWTA_XOAUTH2, text("")));
    assert_false(jwta_error_answered(JWTA_OAUTHBEARER, text("")));
    assert_false(jwta_error_answered(JWTA_XOAUTH2, text("\001\001")));
    assert_false(jwta_error_answered(JWTA_XOAUTH2, text("x")));
}

/* Whatever name can be sent arrives, byte for byte. */
static void writes_what_it_reads(void **state)
{
    static const char bytes[] = "ab,=23CD \303\274@+%\"\\";
    unsigned random = 1;

    (void)state;
    for (int round = 0; round < 20000; round++) {
        char name[64] = "";
        struct jwta_client_request request = {
            .authzid = jwta_span(name, 0), .host = text("h"), .port = 1, .token = text("a.b.c")};
        struct jwta_client_response read;
        struct jwta_buf buf = {0};
        const char *fault = NULL;
        enum jwta_mechanism mechanism = round % 2 == 0 ? JWTA_OAUTHBEARER : JWTA_XOAUTH2;

        do {
            random = random * 1103515245 + 12345;
            name[request.authzid.len++] = bytes[(random >> 16) % (sizeof(bytes) - 1)];
        } while ((random >> 8) % 16 != 0 && request.authzid.len < sizeof(name) - 1);
        assert_code(jwta_client_response_write(mechanism, &request, &buf), JWTA_OK);
        assert_true(jwta_client_response_read(mechanism, jwta_buf_span(&buf), &read, &fault));
        assert_string_equal(read.authzid, name);
        assert_int_equal(read.credential, JWTA_CREDENTIAL_BEARER);
        assert_true(jwta_span_is(read.token, "a.b.c"));
        jwta_buf_free(&buf);
    }
}

/* saslname (RFC 5801 section 4); XOAUTH2 has no such escapes. */
static void decodes_names(void **state)
{
    static const struct {
        enum jwta_mechanism mechanism;
        const char *message;
        const char *name;
    } rows[] = {
        {JWTA_OAUTHBEARER, "n,a=b=2Cob,\001auth=Bearer a\001\001", "b,ob"},
        {JWTA_OAUTHBEARER, "n,a=b=3Dob,\001auth=Bearer a\001\001", "b=ob"},
        {JWTA_OAUTHBEARER, "n,a==2C=3Db=3D=2C,\001auth=Bearer a\001\001", ",=b=,"},
        {JWTA_OAUTHBEARER, "n,a=b=3D2C,\001auth=Bearer a\001\001", "b=2C"},
        {JWTA_OAUTHBEARER, "n,a=j\303\274rgen,\001auth=Bearer a\001\001", "j\303\274rgen"},
        {JWTA_XOAUTH2, "user=b,ob\001auth=Bearer a\001\001", "b,ob"},
        {JWTA_XOAUTH2, "user=b=2Cob\001auth=Bearer a\001\001", "b=2Cob"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct jwta_client_response read;
        const char *fault = NULL;

        assert_true(
            jwta_client_response_read(rows[i].mechanism, text(rows[i].message), &read, &fault));
        assert_string_equal(read.authzid, rows[i].name);
    }
}

/* Any message with a byte changed, left out or put in is read the same way or not at all. */
static void reads_nothing_else(void **state)
{
    static const char message[] =
        "n,a=al=2Cice,\001host=h\001port=143\001auth=Bearer a.b.c\001\001";
    const size_t len = sizeof(message) - 1;
    unsigned read_so = 0;

    (void)state;
    for (size_t at = 0; at < len; at++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            char changed[sizeof(message)];
            struct jwta_client_response read = {.authzid = "untouched"};
            const char *fault = NULL;

            memcpy(changed, message, sizeof(message));
            changed[at] = (char)byte;
            if (jwta_client_response_read(JWTA_OAUTHBEARER, jwta_span(changed, len), &read,
                                          &fault)) {
                read_so++;
                assert_null(fault);
            } else {
                assert_non_null(fault);
                assert_string_equal(read.authzid, "untouched");
            }
        }
        /* Cut anywhere, it is none. */
        {
            struct jwta_client_response read;
            const char *fault = NULL;

            assert_false(
                jwta_client_response_read(JWTA_OAUTHBEARER, jwta_span(message, at), &read, &fault));
        }
    }
    assert_true(read_so > len);
}

static void refuses_to_write_what_cannot_be_read(void **state)
{
    static char long_name[JWTA_USER_MAX + 1];
    static char long_host[300];
    const struct {
        enum jwta_mechanism mechanism;
        struct jwta_client_request request;
        enum jwta_code code;
    } cases[] = {
        {JWTA_XOAUTH2, {.token = text("a")}, JWTA_USER_INVALID},
        {JWTA_OAUTHBEARER, {.authzid = text(""), .token = text("a")}, JWTA_USER_INVALID},
        {JWTA_OAUTHBEARER, {.authzid = text("a\177"), .token = text("a")}, JWTA_USER_INVALID},
        {JWTA_OAUTHBEARER,
         {.authzid = jwta_span("a\000b", 3), .token = text("a")},
         JWTA_USER_INVALID},
        {JWTA_OAUTHBEARER,
         {.authzid = jwta_span(long_name, JWTA_USER_MAX), .token = text("a")},
         JWTA_USER_INVALID},
        {JWTA_OAUTHBEARER, {.token = {0}}, JWTA_NOT_JWT},
        {JWTA_OAUTHBEARER, {.token = text("a b")}, JWTA_NOT_JWT},
        {JWTA_OAUTHBEARER, {.token = jwta_span("a\000", 2)}, JWTA_NOT_JWT},
        {JWTA_OAUTHBEARER, {.host = text("a b"), .token = text("a")}, JWTA_INTERNAL},
        {JWTA_OAUTHBEARER, {.host = text(""), .token = text("a")}, JWTA_INTERNAL},
        {JWTA_OAUTHBEARER,
         {.host = jwta_span(long_host, sizeof(long_host)), .token = text("a")},
         JWTA_INTERNAL},
        {JWTA_OAUTHBEARER, {.port = 65536, .token = text("a")}, JWTA_INTERNAL},
    };

    (void)state;
    memset(long_name, 'x', sizeof(long_name));
    memset(long_host, 'x', sizeof(long_host));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct jwta_buf buf = {0};

        assert_code(jwta_client_response_write(cases[i].mechanism, &cases[i].request, &buf),
                    cases[i].code);
        assert_int_equal(buf.len, 0);
        jwta_buf_free(&buf);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_errors),
        cmocka_unit_test(escapes_what_it_writes),
        cmocka_unit_test(bounds_errors),
        cmocka_unit_test(reads_errors),
        cmocka_unit_test(knows_the_answer_to_an_error),
        cmocka_unit_test(writes_what_it_reads),
        cmocka_unit_test(decodes_names),
        cmocka_unit_test(reads_nothing_else),
        cmocka_unit_test(refuses_to_write_what_cannot_be_read),
    };

    return cmocka_run_group_tests_name("sasl codec", tests, NULL, NULL);
}
