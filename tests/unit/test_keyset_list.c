/* SPDX-License-Identifier: BSD-2-Clause */
/* Lists of keys that nobody wrote so; test_keyset.c has those of real sets. */
#include "common/keyset.h"
#include "tests/unit/check.h"
#include "tests/unit/token.h"

#include <stdlib.h>
#include <string.h>

static struct test_key *ec;
static struct test_key *secret;

static int setup(void **state)
{
    (void)state;
    ec = test_key_new("ES256");
    secret = test_key_new("HS512");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    test_key_free(&ec);
    test_key_free(&secret);
    return 0;
}

static enum jwta_code find(struct jwta_keyset *set, const char *kid, const char *alg)
{
    struct jwta_key *tries[JWTA_KEY_TRIES] = {NULL};
    size_t count = 0;
    bool more = false;

    return jwta_keyset_find(set, jwta_span_of(kid), jwta_alg_find(jwta_span_of(alg)), tries, &count,
                            &more, NULL);
}

static struct jwta_keyset *from_list(const char *lines, enum jwta_code expected)
{
    struct jwta_buf text = {0};
    struct jwta_keyset *set = NULL;
    struct jwta_why why = {0};

    assert_code(jwta_buf_append(&text, jwta_span_of(lines)), JWTA_OK);
    assert_code(jwta_keyset_from_list(&text, jwta_buf_span(&text), &set, &why), expected);
    assert_int_equal(text.data == NULL, expected == JWTA_OK);
    jwta_buf_free(&text);
    return set;
}

/* Text that is no list is refused. */
static void test_no_list(void **state)
{
    static const char *const rows[] = {
        "x", "\n", "-", "- {}", "a {}\n", "- {}\n\n", "- {}\n\"", " - {}\n", "\"a\"\n {}\n",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_null(from_list(rows[i], JWTA_KEYS_UNAVAILABLE));
}

/* A line that is wrong in itself serves nobody, and is no harm to the others. */
static void test_bad_lines(void **state)
{
    static const char *const names[] = {"\"a\"", "\"b", "\"b\"x", "-", "\"\"", "\"b\" \"b\""};
    static const char *const rows[] = {"-",       "-{}",     "?",          "\"b",
                                       "\"b\"",   "\"b\"{}", "\"b\"  {}",  "\"b\" []",
                                       "\"b\" 7", "\"b {}",  "\"b\\\" {}", "\"b\" {\"kid\":\"b\""};
    char *good = test_key_jwk(ec, "b", NULL);
    struct jwta_keyset_entry entry;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(names) + COUNT_OF(rows); i++) {
        char *text = i < COUNT_OF(names) ? test_format("%s %s\n\"c\" {}\n", names[i], good)
                                         : test_format("%s\n\"c\" {}\n", rows[i - COUNT_OF(names)]);
        struct jwta_keyset *set = from_list(text, JWTA_OK);

        assert_code(find(set, "b", "ES256"), JWTA_NO_KEY);
        assert_code(find(set, "a", "ES256"), JWTA_NO_KEY);
        assert_code(find(set, NULL, "ES256"), JWTA_NO_KEY);
        assert_true(jwta_keyset_at(set, 0, &entry));
        assert_code(entry.usable, JWTA_JWK_MALFORMED);
        assert_code(find(set, "b", "ES256"), JWTA_NO_KEY);
        assert_true(jwta_keyset_at(set, 1, &entry));
        assert_false(jwta_keyset_at(set, 2, &entry));
        jwta_keyset_unref(&set);
        free(text);
    }
    free(good);
}

/* What anybody can fetch is no secret. */
static void test_listed_secret(void **state)
{
    char *oct = test_key_jwk(secret, "s", NULL);
    char *text = test_format("\"s\" %s\n", oct);
    struct jwta_keyset *set = from_list(text, JWTA_OK);
    struct jwta_keyset_entry entry;

    (void)state;
    assert_code(find(set, "s", "HS512"), JWTA_NO_KEY);
    assert_code(find(set, NULL, "HS512"), JWTA_NO_KEY);
    assert_true(jwta_keyset_at(set, 0, &entry));
    assert_code(entry.usable, JWTA_JWK_KTY);
    assert_true(strlen(entry.why.text) > 0);
    jwta_keyset_unref(&set);
    free(oct);
    free(text);
}

/* The key with a member of this many levels, itself among them: alone, or in a set. */
static char *deep_key(unsigned levels, bool in_set)
{
    static const char opening[] = "[[[[[[[[[[";
    static const char closing[] = "]]]]]]]]]]";
    char *jwk = test_key_jwk(ec, "deep", NULL);
    char *text = NULL;
    int arrays = (int)levels - 1;

    jwk[strlen(jwk) - 1] = '\0';
    text = test_format("%s%s,\"x-more\":%.*s0%.*s}%s", in_set ? "{\"keys\":[" : "", jwk, arrays,
                       opening, arrays, closing, in_set ? "]}" : "");
    free(jwk);
    return text;
}

/* A key that served before it was listed serves after it, however deep its other members go. */
static void test_deep(void **state)
{
    size_t usable = 0;

    (void)state;
    for (unsigned i = 0; i < 20; i++) {
        char *text = deep_key(i / 2 + 1, i % 2 == 1);
        struct jwta_keyset *set = NULL;
        struct jwta_keyset *same = NULL;
        struct jwta_buf lines = {0};

        if (jwta_keyset_parse(jwta_span_of(text), &set, NULL) == JWTA_OK) {
            usable++;
            assert_code(find(set, "deep", "ES256"), JWTA_OK);
            assert_code(jwta_keyset_list(set, &lines), JWTA_OK);
            assert_code(jwta_keyset_from_list(&lines, jwta_buf_span(&lines), &same, NULL), JWTA_OK);
            assert_code(find(same, "deep", "ES256"), JWTA_OK);
        }
        jwta_keyset_unref(&set);
        jwta_keyset_unref(&same);
        free(text);
    }
    assert_int_equal(usable, 8 + 6); /* levels that a key alone may have, and one in a set */
}

static void test_empty_list(void **state)
{
    struct jwta_keyset *set = from_list("", JWTA_OK);
    struct jwta_keyset_entry entry;

    (void)state;
    assert_false(jwta_keyset_at(set, 0, &entry));
    assert_code(find(set, "k", "ES256"), JWTA_NO_KEY);
    jwta_keyset_unref(&set);
}

/* A set has an end, though a member may be as short as a digit. */
static void test_members(void **state)
{
    static const struct {
        size_t count;
        enum jwta_code code;
    } cases[] = {{JWTA_KEYSET_MEMBERS, JWTA_OK}, {JWTA_KEYSET_MEMBERS + 1, JWTA_KEYS_UNAVAILABLE}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct jwta_buf text = {0};
        struct jwta_keyset *set = NULL;
        struct jwta_why why = {0};

        assert_int_equal(jwta_buf_append(&text, jwta_span_of("{\"keys\":[{}")), JWTA_OK);
        for (size_t j = 1; j < cases[i].count; j++)
            assert_int_equal(jwta_buf_append(&text, jwta_span_of(",{}")), JWTA_OK);
        assert_int_equal(jwta_buf_append(&text, jwta_span_of("]}")), JWTA_OK);
        assert_int_equal(jwta_keyset_parse(jwta_buf_span(&text), &set, &why), cases[i].code);
        assert_int_equal(strstr(why.text, "2049 members, and 2048 are the most") != NULL,
                         cases[i].code != JWTA_OK);
        jwta_keyset_unref(&set);
        jwta_buf_free(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_list),       cmocka_unit_test(test_bad_lines),
        cmocka_unit_test(test_listed_secret), cmocka_unit_test(test_deep),
        cmocka_unit_test(test_empty_list),    cmocka_unit_test(test_members),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
