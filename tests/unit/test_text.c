/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/text.h"
#include "tests/unit/check.h"

#include <string.h>

static void test_utf8_len(void **state)
{
    static const struct {
        const char *text;
        size_t len;
    } rows[] = {
        {"\xc3\xa4", 2},
        {"\xe2\x82\xac", 3},
        {"\xf0\x9f\x94\x91", 4},
        {"\xf4\x8f\xbf\xbf", 4},
        {"a", 0},
        {"\xc0\x80", 0},
        {"\xc1\xbf", 0}, /* overlong */
        {"\xe0\x80\x80", 0},
        {"\xf0\x80\x80\x80", 0}, /* overlong */
        {"\xed\xa0\x80", 0},     /* a surrogate */
        {"\xf4\x90\x80\x80", 0}, /* beyond U+10FFFF */
        {"\x80", 0},
        {"\xff", 0},
        {"\xe2\x28\xac", 0},
        {"\xe2\x82\x28", 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const unsigned char *text = (const unsigned char *)rows[i].text;

        assert_int_equal(jwta_utf8_len(text, strlen(rows[i].text)), rows[i].len);
        if (rows[i].len > 0)
            assert_int_equal(jwta_utf8_len(text, rows[i].len - 1), 0);
    }
}

static void test_valid(void **state)
{
    static const struct {
        struct jwta_span text;
        bool control;
        bool valid;
    } rows[] = {
        {{"", 0}, false, true},
        {{"alice", 5}, false, true},
        {{"J\xc3\xbcrgen, \xe2\x82\xac", 12}, false, true},
        {{"a\x1f", 2}, true, false},
        {{"a\x7f", 2}, true, false},
        {{"a\0b", 3}, true, false},
        {{"a\nb", 3}, true, false},
        {{"\xc2\x85", 2}, true, false},     /* C1 */
        {{"\xc2\xa0", 2}, false, true},     /* and what comes after them */
        {{"\xe2\x80\xa8", 3}, true, false}, /* line separator */
        {{"\xe2\x80\xa9", 3}, true, false},
        {{"\xe2\x80\xaa", 3}, false, true},
        {{"a\xc3", 2}, false, false},
        {{"\xa4", 1}, false, false},
        {{NULL, 0}, false, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(jwta_text_has_control(rows[i].text), rows[i].control);
        assert_int_equal(jwta_text_valid(rows[i].text), rows[i].valid);
    }
}

static int compare(const char *a, const char *b)
{
    int order = jwta_text_compare(jwta_span_of(a), jwta_span_of(b));

    return (order > 0) - (order < 0);
}

static void test_compare(void **state)
{
    static const struct {
        const char *a;
        const char *b;
        int order;
    } rows[] = {
        {"", "", 0},
        {"root", "Root", 0},
        {"ROOT", "rOOt", 0},
        {"root", "roots", -1},
        {"", "a", -1},
        {"a", "B", -1},
        {"A", "b", -1},
        {"Z", "[", 1},
        {"@", "`", -1},
        {"[", "{", -1},
        {"\xc3\xa4", "\xc3\x84", 1},
        {"a", "\xff", -1},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(compare(rows[i].a, rows[i].b), rows[i].order);
        assert_int_equal(compare(rows[i].b, rows[i].a), -rows[i].order);
    }
    assert_true(jwta_text_compare(jwta_span("a\0b", 3), jwta_span("a\0c", 3)) < 0);
}

static void test_one_line(void **state)
{
    static const struct {
        const char *text;
        const char *line;
    } rows[] = {
        {"", ""},
        {"plain ~", "plain ~"},
        {"is of \"x\"\n", "is of 'x'?"},
        {"\x1b[2J\x7f\xc2\x9b\\", "?[2J???\\"},
        {"fifteen letters", "fifteen letters"},
        {"sixteen letters!", "sixteen lett..."},
        {"more than sixteen letters", "more than si..."},
    };
    char line[16];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        memset(line, 'x', sizeof(line));
        jwta_text_one_line(line, sizeof(line), jwta_span_of(rows[i].text));
        assert_string_equal(line, rows[i].line);
    }
    jwta_text_one_line(line, sizeof(line), jwta_span(NULL, 0));
    assert_string_equal(line, "");
    jwta_text_one_line(line, 4, jwta_span_of("abcd"));
    assert_string_equal(line, "...");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_utf8_len),
        cmocka_unit_test(test_valid),
        cmocka_unit_test(test_compare),
        cmocka_unit_test(test_one_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
