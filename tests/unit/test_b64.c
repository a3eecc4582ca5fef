/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/b64.h"
#include "tests/unit/check.h"
#include "tests/unit/token.h"

#include <stdlib.h>
#include <string.h>

static enum jwta_code decode(const char *text, unsigned char *out, size_t *len)
{
    return jwta_b64_decode(jwta_span_of(text), out, len);
}

/* RFC 4648 section 10, without padding; RFC 7515 appendix C. */
static void test_known(void **state)
{
    static const struct {
        const char *bytes;
        const char *text;
    } rows[] = {
        {"", ""},
        {"f", "Zg"},
        {"fo", "Zm8"},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg"},
        {"fooba", "Zm9vYmE"},
        {"foobar", "Zm9vYmFy"},
        {"\x03\xec\xff\xe0\xc1", "A-z_4ME"},
    };
    unsigned char out[16];
    char text[16];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        size_t len = 99;
        size_t expected = strlen(rows[i].bytes);

        assert_code(decode(rows[i].text, out, &len), JWTA_OK);
        assert_int_equal(len, expected);
        assert_memory_equal(out, rows[i].bytes, expected);
        assert_int_equal(JWTA_B64_DECODED(strlen(rows[i].text)), expected);
        jwta_b64_encode((const unsigned char *)rows[i].bytes, expected, text);
        assert_string_equal(text, rows[i].text);
        assert_int_equal(JWTA_B64_ENCODED(expected), strlen(rows[i].text));
    }
}

/* Against OpenSSL's encoder, every length and byte. */
static void test_round_trip(void **state)
{
    unsigned char bytes[256];
    unsigned char back[256];
    char text[JWTA_B64_ENCODED(256) + 1];

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)(255 - i);
    for (size_t len = 0; len <= sizeof(bytes); len++) {
        char *expected = test_b64(bytes, len);
        size_t back_len = 999;

        jwta_b64_encode(bytes, len, text);
        assert_string_equal(text, expected);
        assert_code(decode(text, back, &back_len), JWTA_OK);
        assert_int_equal(back_len, len);
        if (len > 0)
            assert_memory_equal(back, bytes, len);
        free(expected);
    }
}

static void test_refused(void **state)
{
    static const char *const rows[] = {
        "A",
        "AAAAA",
        "Zg==",
        "Zg=",
        "Zm8=",
        "Zm9v=",
        "=",
        "====",
        "Zm9v\n",
        "\nZm9v",
        "Zm 9v",
        "Zm\r\n9v",
        "Zm9v ",
        " Zm9v",
        "Zm+v",
        "Zm/v",
        "Zm9.",
        "Zm9,",
        "Zm*v",
        "Zm\x80v",
        "Zm\xffv",
        "Z\tg",
        /* left-over bits that are not zero: another spelling of the same bytes */
        "Zh",
        "Zj",
        "Z_",
        "Zm9",
        "Zm-",
        "AAAAZh",
        "AAAAZm9",
        "AB",
        "AAB",
    };
    unsigned char out[16];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        size_t len = 77;

        assert_code(decode(rows[i], out, &len), JWTA_BASE64);
        assert_int_equal(len, 77);
    }
    assert_code(jwta_b64_decode(jwta_span("Zm\0v", 4), out, &(size_t){0}), JWTA_BASE64);
    assert_code(jwta_b64_decode(jwta_span("Zg\0", 3), out, &(size_t){0}), JWTA_BASE64);
}

/* Of the 256 bytes 64 are of the alphabet, at each place of a group. */
static void test_alphabet(void **state)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    unsigned char out[16];

    (void)state;
    for (int c = 0; c < 256; c++) {
        bool member = c != 0 && strchr(alphabet, c) != NULL;

        for (size_t at = 0; at < 8; at++) {
            char text[8] = "AAAAAAAA";
            size_t len = 0;

            text[at] = (char)c;
            assert_code(jwta_b64_decode(jwta_span(text, 8), out, &len),
                        member ? JWTA_OK : JWTA_BASE64);
            assert_int_equal(jwta_b64_alphabet(jwta_span(text, 8)), member);
        }
    }
    assert_true(jwta_b64_alphabet(jwta_span_of("")));
    assert_true(jwta_b64_alphabet(jwta_span(NULL, 0)));
    assert_false(jwta_b64_alphabet(jwta_span_of("a.b")));
}

/* Each value has exactly one encoding: of all texts of two and three characters, and no more. */
static void test_one_encoding(void **state)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    unsigned char out[4];
    size_t len = 0;
    size_t two = 0;
    size_t three = 0;

    (void)state;
    for (size_t a = 0; a < 64; a++) {
        for (size_t b = 0; b < 64; b++) {
            char text[3] = {alphabet[a], alphabet[b], 'A'};

            bool decodes = jwta_b64_decode(jwta_span(text, 2), out, &len) == JWTA_OK;

            assert_int_equal(jwta_b64_canonical(jwta_span(text, 2)), decodes);
            two += decodes;
            text[1] = 'A';
            text[2] = alphabet[b];
            decodes = jwta_b64_decode(jwta_span(text, 3), out, &len) == JWTA_OK;
            assert_int_equal(jwta_b64_canonical(jwta_span(text, 3)), decodes);
            three += decodes;
        }
    }
    assert_int_equal(two, 256);
    assert_int_equal(three, 64 * 16);
    assert_true(jwta_b64_canonical(jwta_span_of("")));
    assert_true(jwta_b64_canonical(jwta_span_of("AAA_")));
    assert_false(jwta_b64_canonical(jwta_span_of("A")));
    assert_false(jwta_b64_canonical(jwta_span_of("AAAAA")));
}

static void test_run(void **state)
{
    (void)state;
    assert_int_equal(jwta_b64_run(jwta_span_of("")), 0);
    assert_int_equal(jwta_b64_run(jwta_span(NULL, 0)), 0);
    assert_int_equal(jwta_b64_run(jwta_span_of(".abc")), 0);
    assert_int_equal(jwta_b64_run(jwta_span_of("abc.def")), 3);
    assert_int_equal(jwta_b64_run(jwta_span_of("aZ09-_")), 6);
    assert_int_equal(jwta_b64_run(jwta_span("abcdef", 2)), 2);
    assert_int_equal(jwta_b64_run(jwta_span("ab\0cd", 5)), 2);
    assert_int_equal(jwta_b64_run(jwta_span_of("ab\xc3\xa9")), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known),        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_refused),      cmocka_unit_test(test_alphabet),
        cmocka_unit_test(test_one_encoding), cmocka_unit_test(test_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
