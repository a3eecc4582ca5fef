/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/buf.h"
#include "tests/unit/check.h"

#include <stdlib.h>
#include <string.h>

static void test_span(void **state)
{
    struct jwta_span absent = {0};
    struct jwta_span empty = jwta_span_of("");

    (void)state;
    assert_int_equal(jwta_span_of("abc").len, 3);
    assert_null(jwta_span_of(NULL).data);
    assert_int_equal(jwta_span_of(NULL).len, 0);
    assert_non_null(empty.data);
    assert_true(jwta_span_equal(empty, jwta_span("x", 0)));
    assert_true(jwta_span_equal(jwta_span_of("abc"), jwta_span("abcd", 3)));
    assert_false(jwta_span_equal(jwta_span_of("abc"), jwta_span_of("abd")));
    assert_false(jwta_span_equal(jwta_span_of("abc"), jwta_span_of("abcd")));
    assert_true(jwta_span_equal(jwta_span("a\0b", 3), jwta_span("a\0b", 3)));
    assert_false(jwta_span_equal(jwta_span("a\0b", 3), jwta_span("a\0c", 3)));
    assert_true(jwta_span_is(jwta_span_of("abc"), "abc"));
    assert_false(jwta_span_is(jwta_span("abc\0", 4), "abc"));
    /* Absent is nothing's equal, not even its own. */
    assert_false(jwta_span_equal(absent, absent));
    assert_false(jwta_span_equal(absent, empty));
    assert_false(jwta_span_is(absent, ""));
    assert_false(jwta_span_is(absent, NULL));
    assert_false(jwta_span_is(empty, NULL));
}

static void test_secret_equal(void **state)
{
    struct jwta_span absent = {0};

    (void)state;
    assert_true(jwta_secret_equal(jwta_span_of("secret"), jwta_span_of("secret")));
    assert_true(jwta_secret_equal(jwta_span_of(""), jwta_span_of("")));
    assert_false(jwta_secret_equal(jwta_span_of("secret"), jwta_span_of("secreT")));
    assert_false(jwta_secret_equal(jwta_span_of("secret"), jwta_span_of("secre")));
    assert_false(jwta_secret_equal(jwta_span_of("secret"), jwta_span_of("secret1")));
    assert_false(jwta_secret_equal(jwta_span("a\0b", 3), jwta_span("a\0c", 3)));
    assert_false(jwta_secret_equal(absent, absent));
    assert_false(jwta_secret_equal(absent, jwta_span_of("")));
}

static void test_append(void **state)
{
    struct jwta_buf buf = {0};

    (void)state;
    assert_code(jwta_buf_append(&buf, jwta_span_of("")), JWTA_OK);
    assert_null(buf.data);
    for (int i = 0; i < 1000; i++)
        assert_code(jwta_buf_append(&buf, jwta_span_of("abc")), JWTA_OK);
    assert_int_equal(buf.len, 3000);
    assert_true(buf.capacity >= buf.len);
    for (size_t i = 0; i < buf.len; i++)
        assert_int_equal(buf.data[i], "abc"[i % 3]);
    assert_true(jwta_span_equal(jwta_buf_span(&buf), jwta_span(buf.data, 3000)));
    jwta_buf_free(&buf);
    assert_null(buf.data);
    assert_int_equal(buf.len, 0);
    assert_int_equal(buf.capacity, 0);
    /* It may be used again, and freed twice. */
    assert_code(jwta_buf_append(&buf, jwta_span("\0x", 2)), JWTA_OK);
    assert_memory_equal(buf.data, "\0x", 2);
    jwta_buf_free(&buf);
    jwta_buf_free(&buf);
}

static void test_reserve(void **state)
{
    struct jwta_buf buf = {0};
    const char *data = NULL;

    (void)state;
    assert_code(jwta_buf_reserve(&buf, 100), JWTA_OK);
    assert_true(buf.capacity >= 100);
    assert_int_equal(buf.len, 0);
    assert_code(jwta_buf_append(&buf, jwta_span_of("kept")), JWTA_OK);
    data = buf.data;
    assert_code(jwta_buf_reserve(&buf, 50), JWTA_OK);
    assert_ptr_equal(buf.data, data);
    assert_code(jwta_buf_reserve(&buf, 5000), JWTA_OK);
    assert_memory_equal(buf.data, "kept", 4);
    jwta_buf_free(&buf);
}

/* What cannot be had is refused, and the buffer stays as it was. */
static void test_too_much(void **state)
{
    struct jwta_buf buf = {0};

    (void)state;
    assert_code(jwta_buf_append(&buf, jwta_span_of("kept")), JWTA_OK);
    assert_code(jwta_buf_append(&buf, jwta_span("x", SIZE_MAX)), JWTA_MEMORY);
    assert_code(jwta_buf_append(&buf, jwta_span("x", SIZE_MAX - 3)), JWTA_MEMORY);
    assert_int_equal(buf.len, 4);
    assert_memory_equal(buf.data, "kept", 4);
    jwta_buf_free(&buf);
}

static void test_wipe(void **state)
{
    char bytes[8] = "secret!";
    char *text = strdup("secret");

    (void)state;
    jwta_wipe(bytes, 6);
    assert_memory_equal(bytes, "\0\0\0\0\0\0!", 8);
    jwta_wipe(NULL, 0);
    jwta_wipe_string(NULL);
    jwta_wipe_string(text);
}

#define TEN "0123456789"
#define SIXTY TEN TEN TEN TEN TEN TEN

static void test_quote(void **state)
{
    static const struct {
        const char *value;
        const char *quoted;
    } rows[] = {
        {NULL, "-"},
        {"", "\"\""},
        {"-", "\"-\""},
        {"alice", "\"alice\""},
        {"a b=c", "\"a b=c\""},
        {"say \"hi\"", "\"say \\x22hi\\x22\""},
        {"back\\slash", "\"back\\x5cslash\""},
        {"two\nlines\r", "\"two\\x0alines\\x0d\""},
        {"\x1b[2J\x7f", "\"\\x1b[2J\\x7f\""},
        {"\xc3\xa9\xff", "\"\\xc3\\xa9\\xff\""},
        /* Parts of tokens. */
        {"eyJ", "\"<redacted>\""},
        {"eyJhbGciOiJIUzI1NiJ9.e30.c2ln", "\"<redacted>\""},
        {"for eyJhbGciOiJIUzI1NiJ9.e30.c2ln now", "\"for <redacted> now\""},
        {"eyAiYWxnIjoiSFMyNTYifQ.e30.c2ln", "\"<redacted>\""},
        {"ewogImFsZyI6IkhTMjU2In0.e30.c2ln", "\"<redacted>\""},
        {"eyJhbGciOiJIUzI1NiJ9.e30\nc2lnbmF0dXJlc2lnbmF0dXJl", "\"<redacted>\\x0a<redacted>\""},
        {"ewok", "\"ewok\""},
        {"eyAdmin.example.com", "\"eyAdmin.example.com\""},
        {"Bearer eyJhbGciOiJub25lIn0", "\"Bearer <redacted>\""},
        {"xeyJhbGci", "\"x<redacted>\""},
        {"ey", "\"ey\""},
        {SIXTY "abcd", "\"" SIXTY "abcd\""},
        {SIXTY "abcde", "\"<redacted>\""},
        {"sig=" SIXTY "-_-_-;", "\"sig=<redacted>;\""},
    };
    struct jwta_quoted quoted;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_string_equal(jwta_quote(&quoted, jwta_span_of(rows[i].value)), rows[i].quoted);
        assert_ptr_equal(jwta_quote(&quoted, jwta_span_of("x")), quoted.text);
    }
    assert_string_equal(jwta_quote(&quoted, jwta_span("a\0b", 3)), "\"a\\x00b\"");
}

/* Whatever goes in, what comes out is one bounded line of printable ASCII, and says where it cut.
 */
static void test_quote_bounds(void **state)
{
    static const char *const units[] = {"a b ", "\x01", "eyJ ", "\"", "abcdefgh\n", SIXTY "12345;"};
    struct jwta_quoted quoted;
    char value[4000];

    (void)state;
    for (size_t u = 0; u < COUNT_OF(units); u++) {
        for (size_t i = 0; i < sizeof(value); i++)
            value[i] = units[u][i % strlen(units[u])];
        for (size_t len = 0; len < 400; len++) {
            const char *text = jwta_quote(&quoted, jwta_span(value, len));
            size_t length = strnlen(text, sizeof(quoted.text));

            assert_true(length < sizeof(quoted.text));
            assert_int_equal(text[0], '"');
            assert_int_equal(text[length - 1], '"');
            for (size_t i = 0; i < length; i++)
                assert_true(text[i] >= 0x20 && text[i] < 0x7f);
        }
        assert_non_null(strstr(jwta_quote(&quoted, jwta_span(value, sizeof(value))), "...\""));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_span),     cmocka_unit_test(test_secret_equal),
        cmocka_unit_test(test_append),   cmocka_unit_test(test_reserve),
        cmocka_unit_test(test_too_much), cmocka_unit_test(test_wipe),
        cmocka_unit_test(test_quote),    cmocka_unit_test(test_quote_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
