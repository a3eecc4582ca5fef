/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Our reader of JSON against jansson's, on texts that were mutated from valid ones: the same
 * verdict and equal values. jansson takes a NUL after a number for the end; there ours is stricter.
 */
#include "common/json_private.h"
#include "tests/unit/check.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MUTANTS 200000
#define ROOM 512
#define DEPTH 2048 /* jansson's own limit */

static const char *const seeds[] = {
    "{\"a\":1,\"b\":[\"x y\",\"\\u00e9\",-0.5e3,true,false,null],\"c\":{\"d\":\"\\ud83d\\ude00\"}}",
    "{\"exp\":1763900000,\"aud\":[\"a\",\"b\"],\"realm_access\":{\"roles\":[]}}",
    "{\"a\":-9223372036854775808,\"b\":9223372036854775807,\"c\":1.5,\"d\":0,\"e\":-0,\"f\":1E400}",
    "[1,2,{\"k\\u0041\":\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"}]",
    "{\"a\":{\"a\":{\"a\":[[[[]]]]}},\"b\":\"\\\\\\/\\b\\f\\r\\t\\\"\"} ",
    "{ \"a\" : 1 , \"a\\u0062\" : 2 , \"ab\" : 3 }",
    "\"x\"",
    "12",
    "{}",
};
static const char alphabet[] = "{}[]\":,\\u0/\"eE+-.19 \t\nabtfnrdD8\xc3\xa9\x80\xed\xa0\xf4";

/* xorshift: the same sequence on every machine. */
static uint32_t next(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static size_t below(uint32_t *state, size_t limit)
{
    return limit > 0 ? next(state) % limit : 0;
}

/* Overwrites, inserts, deletes, or repeats a piece. */
static size_t mutate(uint32_t *state, char *text, size_t len)
{
    size_t at = below(state, len);
    char letter = alphabet[below(state, sizeof(alphabet) - 1)];
    size_t piece = below(state, 12);
    char copy[12];

    switch (below(state, 5)) {
    case 0:
        if (len > 0)
            text[at] = (char)next(state);
        break;
    case 1:
        if (len > 0)
            text[at] = letter;
        break;
    case 2:
        memmove(text + at + 1, text + at, len - at);
        text[at] = letter;
        return len + 1;
    case 3:
        if (len > 1) {
            memmove(text + at, text + at + 1, len - at - 1);
            return len - 1;
        }
        break;
    default:
        if (at + piece <= len) {
            memcpy(copy, text + at, piece);
            memmove(text + piece, text, len);
            memcpy(text, copy, piece);
            return len + piece;
        }
    }
    return len;
}

static void compare(const char *text, size_t len)
{
    /* Of exactly this size, so that a sanitizer sees a read beyond it. */
    char *exact = malloc(len > 0 ? len : 1);
    json_error_t error;
    json_t *theirs = NULL;
    json_t *ours = NULL;
    enum jwta_code code = JWTA_OK;

    assert_non_null(exact);
    memcpy(exact, text, len);
    theirs = json_loadb(exact, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    code = jwta_json_read(jwta_span(exact, len), DEPTH, JWTA_PAYLOAD_JSON, &ours, NULL);
    if (memchr(exact, '\0', len) != NULL) {
        assert_int_not_equal(code, JWTA_OK);
    } else {
        if ((theirs != NULL) != (code == JWTA_OK))
            fail_msg("%s, jansson: %s: %.*s", jwta_code_name(code),
                     theirs != NULL ? "accepted" : error.text, (int)len, exact);
        if (theirs != NULL)
            assert_true(json_equal(theirs, ours));
    }
    json_decref(theirs);
    json_decref(ours);
    free(exact);
}

static void test_same_as_jansson(void **state)
{
    uint32_t random = 20261123;

    (void)state;
    for (size_t i = 0; i < MUTANTS; i++) {
        char text[ROOM];
        const char *seed = seeds[below(&random, sizeof(seeds) / sizeof(seeds[0]))];
        size_t len = strlen(seed);

        memcpy(text, seed, len);
        for (size_t n = below(&random, 4); n > 0; n--)
            len = mutate(&random, text, len);
        compare(text, len);
    }
}

static void test_nul_is_refused(void **state)
{
    static const char hidden[] = "{\"exp\":1\0}";
    json_t *value = NULL;

    (void)state;
    assert_int_equal(
        jwta_json_parse(jwta_span(hidden, sizeof(hidden) - 1), 4, JWTA_PAYLOAD_JSON, &value, NULL),
        JWTA_PAYLOAD_JSON);
    assert_null(value);
}

static void test_depth(void **state)
{
    static const char three[] = "{\"a\":[{}]}";
    json_t *value = NULL;

    (void)state;
    assert_int_equal(jwta_json_parse(jwta_span_of(three), 2, JWTA_PAYLOAD_JSON, &value, NULL),
                     JWTA_TOO_DEEP);
    assert_int_equal(jwta_json_parse(jwta_span_of(three), 3, JWTA_PAYLOAD_JSON, &value, NULL),
                     JWTA_OK);
    json_decref(value);
}

/* Names and strings around the sizes of the buffers on the stack. */
static void test_lengths(void **state)
{
    (void)state;
    for (size_t len = 0; len < 1100; len += len < 70 ? 1 : 13) {
        char text[4096];
        size_t used = 0;

        used +=
            (size_t)snprintf(text, sizeof(text), "{\"%0*d\":\"%0*d\"}", (int)len, 0, (int)len, 7);
        compare(text, used);
        compare(text, used - 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_as_jansson),
        cmocka_unit_test(test_nul_is_refused),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_lengths),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
