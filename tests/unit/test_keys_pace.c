/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/keys_private.h"
#include "tests/unit/check.h"

#include <string.h>

#define NOW 1000000
#define DOWN "https://idp: HTTP status 500"

/* What is said to an attempt at NOW; NULL: it may be made. */
static const struct row {
    struct jwta_cache_state state;
    enum jwta_attempt_mode mode;
    const char *says;
} rows[] = {
    {{0}, JWTA_ATTEMPT_DUE, NULL},
    {{.attempted = NOW}, JWTA_ATTEMPT_DUE, NULL},
    {{.attempted = NOW, .failures = 1, .cause = DOWN},
     JWTA_ATTEMPT_DUE,
     "the last attempt, 0 s ago, failed: \"" DOWN "\"; next in 2 s, or at once by jwtauth keys "
     "refresh --force"},
    {{.attempted = NOW - 3, .failures = 3},
     JWTA_ATTEMPT_AHEAD,
     "the last attempt, 3 s ago, failed; next in 5 s, or at once by jwtauth keys refresh --force"},
    {{.attempted = NOW - 3, .failures = 3, .forced = NOW, .cause = DOWN},
     JWTA_ATTEMPT_FORCED,
     "the last attempt, 3 s ago, failed: \"" DOWN "\"; next in 5 s, or at once by jwtauth keys "
     "refresh --force"},
    {{.attempted = NOW - 1, .failures = 1000, .cause = "x"},
     JWTA_ATTEMPT_DUE,
     "the last attempt, 1 s ago, failed: \"x\"; next in 59 s, or at once by jwtauth keys refresh "
     "--force"},
    {{.attempted = NOW - 2, .failures = 1, .cause = DOWN}, JWTA_ATTEMPT_DUE, NULL},
    {{.attempted = NOW - 60, .failures = 1000, .cause = DOWN}, JWTA_ATTEMPT_DUE, NULL},
    {{.attempted = NOW, .failures = 9, .forced = NOW, .cause = DOWN}, JWTA_ATTEMPT_INSIST, NULL},
    /* The clock was wrong. */
    {{.attempted = NOW + 1, .failures = 9, .cause = DOWN}, JWTA_ATTEMPT_DUE, NULL},
    {{.forced = NOW + 1, .barren = 9}, JWTA_ATTEMPT_FORCED, NULL},
    {{.forced = NOW - 4, .barren = 1}, JWTA_ATTEMPT_DUE, NULL},
    {{.forced = NOW - 4, .barren = 1},
     JWTA_ATTEMPT_FORCED,
     "the issuer was asked for an unknown key 4 s ago; next in 6 s"},
    {{.forced = NOW - 4, .barren = 100},
     JWTA_ATTEMPT_FORCED,
     "the issuer was asked for an unknown key 4 s ago; next in 296 s"},
    {{.forced = NOW - 10, .barren = 6}, JWTA_ATTEMPT_FORCED, NULL},
};

static void test_too_early(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct row *row = &rows[i];
        struct jwta_why why = {0};

        assert_int_equal(jwta_pace_too_early(&row->state, row->mode, NOW, &why), row->says != NULL);
        assert_string_equal(why.text, row->says != NULL ? row->says : "");
        assert_int_equal(jwta_pace_backs_off(&row->state, NOW),
                         row->state.failures > 0 &&
                             (row->says != NULL || row->mode == JWTA_ATTEMPT_INSIST));
    }
}

/* The longest cause leaves room for what stands behind it. */
static void test_long_cause(void **state)
{
    struct jwta_cache_state long_state = {.attempted = NOW - 59, .failures = 1000};
    struct jwta_why why = {0};

    (void)state;
    memset(long_state.cause, 'c', sizeof(long_state.cause) - 1);
    assert_true(jwta_pace_too_early(&long_state, JWTA_ATTEMPT_DUE, NOW, &why));
    assert_non_null(
        strstr(why.text, "c\"; next in 1 s, or at once by jwtauth keys refresh --force"));
    assert_true(strlen(why.text) < JWTA_WHY_MAX - 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_too_early),
        cmocka_unit_test(test_long_cause),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
