/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/check.h"

#include <stdbool.h>
#include <string.h>

/* The names stand in logs and in other people's scripts: lower case, digits and hyphens, once. */
static void test_names(void **state)
{
    (void)state;
    for (int i = 0; i < JWTA_CODE_COUNT; i++) {
        const char *name = jwta_code_name((enum jwta_code)i);

        assert_true(strlen(name) > 0);
        assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-"), strlen(name));
        assert_true(strlen(jwta_code_text((enum jwta_code)i)) > 0);
        for (int k = 0; k < i; k++)
            assert_string_not_equal(name, jwta_code_name((enum jwta_code)k));
    }
}

static void test_classes(void **state)
{
    static const struct {
        enum jwta_code code;
        enum jwta_class class;
        const char *name;
    } rows[] = {
        {JWTA_OK, JWTA_CLASS_OK, "ok"},
        {JWTA_EXPIRED, JWTA_CLASS_DENIED, "denied"},
        {JWTA_OBSERVED, JWTA_CLASS_DENIED, "denied"},
        {JWTA_KEYS_UNAVAILABLE, JWTA_CLASS_UNAVAILABLE, "unavailable"},
        {JWTA_USER_UNAVAILABLE, JWTA_CLASS_UNAVAILABLE, "unavailable"},
        {JWTA_CONF_MISSING, JWTA_CLASS_CONFIG, "config"},
        {JWTA_KEYS_INSECURE, JWTA_CLASS_CONFIG, "config"},
        {JWTA_MEMORY, JWTA_CLASS_INTERNAL, "internal"},
        {JWTA_INTERNAL, JWTA_CLASS_INTERNAL, "internal"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(jwta_code_class(rows[i].code), rows[i].class);
        assert_string_equal(jwta_class_name(rows[i].class), rows[i].name);
    }
}

/* Only one code lets anybody in. */
static void test_one_ok(void **state)
{
    (void)state;
    for (int i = 1; i < JWTA_CODE_COUNT; i++)
        assert_int_not_equal(jwta_code_class((enum jwta_code)i), JWTA_CLASS_OK);
    assert_int_equal(JWTA_OK, 0);
}

static void test_out_of_range(void **state)
{
    static const int codes[] = {JWTA_CODE_COUNT, JWTA_CODE_COUNT + 1, -1, 1 << 20};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(codes); i++) {
        assert_int_equal(jwta_code_class((enum jwta_code)codes[i]), JWTA_CLASS_INTERNAL);
        assert_string_equal(jwta_code_name((enum jwta_code)codes[i]), "internal");
        assert_string_equal(jwta_code_text((enum jwta_code)codes[i]),
                            jwta_code_text(JWTA_INTERNAL));
    }
    assert_string_equal(jwta_class_name((enum jwta_class)99), "internal");
    assert_string_equal(jwta_class_name((enum jwta_class) - 1), "internal");
}

static void test_fail(void **state)
{
    struct jwta_why why = {0};

    (void)state;
    assert_code(jwta_fail(&why, JWTA_EXPIRED, "exp %d, %s", 5, "now"), JWTA_EXPIRED);
    assert_code(why.code, JWTA_EXPIRED);
    assert_string_equal(why.text, "exp 5, now");
    assert_code(jwta_fail(NULL, JWTA_CRIT, "nobody reads this: %d", 1), JWTA_CRIT);
}

/* A detail that is too long is cut, and the text stays terminated. */
static void test_fail_cuts(void **state)
{
    struct {
        struct jwta_why why;
        char after;
    } guarded;
    char text[2 * JWTA_WHY_MAX];

    (void)state;
    memset(&guarded, 'g', sizeof(guarded));
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_code(jwta_fail(&guarded.why, JWTA_SCOPE, "%s", text), JWTA_SCOPE);
    assert_int_equal(strlen(guarded.why.text), JWTA_WHY_MAX - 1);
    assert_int_equal(guarded.after, 'g');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),  cmocka_unit_test(test_classes),
        cmocka_unit_test(test_one_ok), cmocka_unit_test(test_out_of_range),
        cmocka_unit_test(test_fail),   cmocka_unit_test(test_fail_cuts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
