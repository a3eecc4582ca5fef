/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/keyset.h"
#include "tests/unit/check.h"
#include "tests/unit/token.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Made once: keys cost time. */
static struct test_key *rsa;
static struct test_key *ec;
static struct test_key *ec2;
static struct test_key *ed;
static struct test_key *secret;

static int setup(void **state)
{
    (void)state;
    rsa = test_key_new("RS256");
    ec = test_key_new("ES256");
    ec2 = test_key_new("ES256");
    ed = test_key_new("EdDSA");
    secret = test_key_new("HS512");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    test_key_free(&rsa);
    test_key_free(&ec);
    test_key_free(&ec2);
    test_key_free(&ed);
    test_key_free(&secret);
    return 0;
}

/* Each test runs with sets as they are published, and with the same as the cache lists them. */
static bool lists;

static int as_published(void **state)
{
    (void)state;
    lists = false;
    return 0;
}

static int as_listed(void **state)
{
    (void)state;
    lists = true;
    return 0;
}

/* Frees set: the same set from its lines, which stand behind something else in their text. */
static struct jwta_keyset *listed(struct jwta_keyset *set)
{
    struct jwta_buf text = {0};
    struct jwta_span lines = {0};
    struct jwta_keyset *same = NULL;
    struct jwta_why why = {0};

    assert_code(jwta_buf_append(&text, jwta_span_of("body\n")), JWTA_OK);
    assert_code(jwta_keyset_list(set, &text), JWTA_OK);
    lines = jwta_span(text.data + 5, text.len - 5);
    if (jwta_keyset_from_list(&text, lines, &same, &why) != JWTA_OK)
        fail_msg("%s: %.*s", why.text, (int)text.len, text.data);
    assert_null(text.data);
    jwta_keyset_unref(&set);
    return same;
}

/* Frees text. */
static struct jwta_keyset *parsed(char *text)
{
    struct jwta_keyset *set = NULL;
    struct jwta_why why = {0};

    if (jwta_keyset_parse(jwta_span_of(text), &set, &why) != JWTA_OK)
        fail_msg("%s: %s", text, why.text);
    free(text);
    return lists && !jwta_keyset_symmetric(set) ? listed(set) : set;
}

/* A set of members, NULL last; frees them. */
static char *set_of(char *first, ...) __attribute__((sentinel));

static char *set_of(char *first, ...)
{
    char *text = test_format("{\"keys\":[%s", first);
    char *whole = NULL;
    char *next = NULL;
    va_list members;

    free(first);
    va_start(members, first);
    while ((next = va_arg(members, char *)) != NULL) {
        char *longer = test_format("%s,%s", text, next);

        free(text);
        free(next);
        text = longer;
    }
    va_end(members);
    whole = test_format("%s]}", text);
    free(text);
    return whole;
}

static char *jwk(const struct test_key *key, const char *kid)
{
    return test_key_jwk(key, kid, NULL);
}

static char *raw(const char *text)
{
    return test_format("%s", text);
}

struct found {
    struct jwta_key *tries[JWTA_KEY_TRIES];
    size_t count;
    bool more;
};

static enum jwta_code find(struct jwta_keyset *set, const char *kid, const char *alg,
                           struct found *out)
{
    struct jwta_why why = {0};
    enum jwta_code code = jwta_keyset_find(set, jwta_span_of(kid), jwta_alg_find(jwta_span_of(alg)),
                                           out->tries, &out->count, &out->more, &why);

    if (code != JWTA_OK) {
        assert_code(why.code, code);
        assert_true(strlen(why.text) > 0);
    }
    return code;
}

static void test_parse_refused(void **state)
{
    static const char *const rows[] = {
        "",
        "{}",
        "[]",
        "null",
        "{\"keys\":{}}",
        "{\"keys\":null}",
        "{\"keys\":\"\"}",
        "{\"Keys\":[]}",
        "[{\"kty\":\"RSA\"}]",
        "{\"keys\":[]",
        "{\"keys\":[]}x",
        "{\"keys\":[],\"keys\":[]}",
        "{\"kty\":\"oct\",\"k\":\"\\u0000\"}",
        "{\"keys\":[{\"a\":[[[[[[[[1]]]]]]]]}]}",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct jwta_keyset *set = NULL;
        struct jwta_why why = {0};

        assert_code(jwta_keyset_parse(jwta_span_of(rows[i]), &set, &why), JWTA_KEYS_UNAVAILABLE);
        assert_null(set);
        assert_true(strlen(why.text) > 0);
    }
}

static void test_single(void **state)
{
    struct jwta_keyset *set = parsed(jwk(ec, "k1"));
    struct found found;

    (void)state;
    assert_code(find(set, "k1", "ES256", &found), JWTA_OK);
    assert_int_equal(found.count, 1);
    assert_false(found.more);
    assert_false(jwta_keyset_symmetric(set));
    jwta_keyset_unref(&set);
    assert_null(set);
    jwta_keyset_unref(&set);
}

static void test_kid(void **state)
{
    struct jwta_keyset *set =
        parsed(set_of(jwk(rsa, "r"), jwk(ec, "e"), jwk(ed, "d"), jwk(ec2, NULL),
                      raw("{\"kty\":\"EC\",\"kid\":\"bad\"}"),
                      raw("{\"kty\":\"RSA\",\"kid\":\"enc\",\"use\":\"enc\"}"),
                      raw("{\"kty\":\"RSA\",\"kid\":\"weak\",\"n\":\"AQAB\","
                          "\"e\":\"AQAB\"}"),
                      NULL));
    static const struct {
        const char *kid;
        const char *alg;
        enum jwta_code code;
    } rows[] = {
        {"r", "RS256", JWTA_OK},         {"r", "PS512", JWTA_OK},
        {"e", "ES256", JWTA_OK},         {"d", "EdDSA", JWTA_OK},
        {"d", "Ed25519", JWTA_OK},       {"r", "ES256", JWTA_KEY_MISFIT},
        {"e", "RS256", JWTA_KEY_MISFIT}, {"e", "ES384", JWTA_KEY_MISFIT},
        {"e", "HS256", JWTA_KEY_MISFIT}, {"d", "Ed448", JWTA_KEY_MISFIT},
        {"E", "ES256", JWTA_NO_KEY},     {"", "ES256", JWTA_NO_KEY},
        {"e ", "ES256", JWTA_NO_KEY},    {"../e", "ES256", JWTA_NO_KEY},
        {"bad", "ES256", JWTA_NO_KEY},   {"enc", "RS256", JWTA_NO_KEY},
        {"weak", "RS256", JWTA_NO_KEY},
    };
    struct found found;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_code(find(set, rows[i].kid, rows[i].alg, &found), rows[i].code);
        assert_int_equal(found.count, rows[i].code == JWTA_OK);
    }
    jwta_keyset_unref(&set);
}

/* The same key is given each time: it is imported once. */
static void test_once(void **state)
{
    struct jwta_keyset *set = parsed(set_of(jwk(rsa, "r"), jwk(ec, "e"), NULL));
    struct found first;
    struct found second;

    (void)state;
    assert_code(find(set, "e", "ES256", &first), JWTA_OK);
    assert_code(find(set, NULL, "ES256", &second), JWTA_OK);
    assert_ptr_equal(first.tries[0], second.tries[0]);
    jwta_keyset_unref(&set);
}

static void test_without_kid(void **state)
{
    struct jwta_keyset *set =
        parsed(set_of(jwk(rsa, "r"), jwk(ec, "e"), jwk(ec2, NULL),
                      raw("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"}"), NULL));
    struct found found;

    (void)state;
    assert_code(find(set, NULL, "ES256", &found), JWTA_OK);
    assert_int_equal(found.count, 2);
    assert_false(found.more);
    assert_code(find(set, NULL, "PS256", &found), JWTA_OK);
    assert_int_equal(found.count, 1);
    assert_code(find(set, NULL, "ES384", &found), JWTA_NO_KEY);
    assert_code(find(set, NULL, "HS256", &found), JWTA_NO_KEY);
    jwta_keyset_unref(&set);
    set = parsed(raw("{\"keys\":[]}"));
    assert_code(find(set, NULL, "ES256", &found), JWTA_NO_KEY);
    assert_code(find(set, "k", "ES256", &found), JWTA_NO_KEY);
    jwta_keyset_unref(&set);
}

/* At most eight keys are tried, and it is said that there were more. */
static void test_tries(void **state)
{
    struct found found;

    (void)state;
    for (size_t keys = 7; keys <= 10; keys++) {
        char *text = raw("");
        struct jwta_keyset *set = NULL;

        for (size_t i = 0; i < keys; i++) {
            char *one = jwk(i % 2 == 0 ? ec : ec2, NULL);
            char *longer = test_format("%s%s%s", text, i > 0 ? "," : "", one);

            free(one);
            free(text);
            text = longer;
        }
        set = parsed(test_format("{\"keys\":[%s]}", text));
        assert_code(find(set, NULL, "ES256", &found), JWTA_OK);
        assert_int_equal(found.count, keys < JWTA_KEY_TRIES ? keys : JWTA_KEY_TRIES);
        assert_int_equal(found.more, keys > JWTA_KEY_TRIES);
        jwta_keyset_unref(&set);
        free(text);
    }
}

/* Two keys of one kid: only where both fit and differ is it unclear which is meant. */
static void test_duplicate_kid(void **state)
{
    struct found found;
    struct jwta_keyset *set = parsed(set_of(jwk(ec, "k"), jwk(ec2, "k"), NULL));

    (void)state;
    assert_code(find(set, "k", "ES256", &found), JWTA_KEY_AMBIGUOUS);
    assert_int_equal(found.count, 0);
    jwta_keyset_unref(&set);
    set = parsed(set_of(jwk(ec, "k"), jwk(ec, "k"), NULL));
    assert_code(find(set, "k", "ES256", &found), JWTA_OK);
    assert_int_equal(found.count, 1);
    jwta_keyset_unref(&set);
    set = parsed(set_of(jwk(ec, "k"), jwk(rsa, "k"), NULL));
    assert_code(find(set, "k", "ES256", &found), JWTA_OK);
    assert_code(find(set, "k", "RS256", &found), JWTA_OK);
    assert_code(find(set, "k", "EdDSA", &found), JWTA_KEY_MISFIT);
    jwta_keyset_unref(&set);
    set = parsed(
        set_of(raw("{\"kty\":\"oct\",\"kid\":\"k\",\"k\":\"AA==\"}"), jwk(secret, "k"), NULL));
    assert_code(find(set, "k", "HS256", &found), JWTA_KEY_AMBIGUOUS);
    jwta_keyset_unref(&set);
    /* One that is not for verifying is no rival. */
    set =
        parsed(set_of(raw("{\"kty\":\"RSA\",\"kid\":\"k\",\"use\":\"enc\"}"), jwk(rsa, "k"), NULL));
    assert_code(find(set, "k", "RS256", &found), JWTA_OK);
    jwta_keyset_unref(&set);
}

/* A set in which a public key could be taken for a secret is refused as a whole. */
static void test_mixed(void **state)
{
    char *text = set_of(jwk(ec, "e"), jwk(secret, "s"), NULL);
    struct jwta_keyset *set = NULL;

    (void)state;
    assert_code(jwta_keyset_parse(jwta_span_of(text), &set, NULL), JWTA_KEY_SET_MIXED);
    assert_null(set);
    free(text);
    /* A secret for something else is none of ours, but still a secret. */
    set = parsed(set_of(jwk(ec, "e"),
                        raw("{\"kty\":\"oct\",\"use\":\"enc\",\"k\":\"AAAA\",\"alg\":\"dir\"}"),
                        NULL));
    assert_true(jwta_keyset_symmetric(set));
    jwta_keyset_unref(&set);
    set = parsed(jwk(secret, "s"));
    assert_true(jwta_keyset_symmetric(set));
    jwta_keyset_unref(&set);
}

/* What each member is worth, for `jwtauth keys list`: none is fatal for the others. */
static void test_list(void **state)
{
    struct jwta_keyset *set = parsed(
        set_of(jwk(ec, "good"), raw("{\"kty\":\"RSA\",\"kid\":\"enc\",\"use\":\"enc\"}"),
               raw("{\"kty\":\"DSA\",\"kid\":\"dsa\"}"), raw("7"), raw("null"),
               raw("{\"kty\":\"RSA\",\"kid\":\"weak\",\"n\":\"AQAB\",\"e\":\"AQAB\"}"),
               raw("{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"point\","
                   "\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","
                   "\"y\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}"),
               raw("{\"kty\":\"RSA\",\"kid\":\"alg\",\"alg\":\"RSA-OAEP\"}"), jwk(ed, NULL), NULL));
    static const struct {
        const char *kid;
        enum jwta_code usable;
    } rows[] = {
        {"good", JWTA_OK},          {"enc", JWTA_JWK_USE},      {"dsa", JWTA_JWK_KTY},
        {NULL, JWTA_JWK_MALFORMED}, {NULL, JWTA_JWK_MALFORMED}, {"weak", JWTA_JWK_WEAK},
        {"point", JWTA_JWK_POINT},  {"alg", JWTA_JWK_ALG},      {NULL, JWTA_OK},
    };
    struct jwta_keyset_entry entry;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_true(jwta_keyset_at(set, i, &entry));
        assert_code(entry.usable, rows[i].usable);
        if (rows[i].kid != NULL)
            assert_true(jwta_span_is(entry.jwk.kid, rows[i].kid));
        else
            assert_null(entry.jwk.kid.data);
        assert_int_equal(strlen(entry.why.text) > 0, rows[i].usable != JWTA_OK);
    }
    assert_false(jwta_keyset_at(set, COUNT_OF(rows), &entry));
    assert_false(jwta_keyset_at(set, SIZE_MAX, &entry));
    jwta_keyset_unref(&set);
}

/* A kid is whatever the issuer likes it to be. */
static void test_strange_kids(void **state)
{
    static const char *const kids[] = {
        "",
        " ",
        "a b",
        "\"",
        "a\"b",
        "\\",
        "\\\\",
        "a\\\"",
        "\n",
        "\x7f",
        "-",
        "\" {}",
        "\xc3\xa4\xe2\x82\xac",
        "/",
        "\\u0041",
        "A",
    };
    char *members = test_format("%s", "");
    struct jwta_keyset *set = NULL;
    struct found found;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(kids); i++) {
        json_t *kid = json_string(kids[i]);
        char *text = json_dumps(kid, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
        char *longer =
            test_format("%s{\"kty\":\"RSA\",\"use\":\"enc\",\"kid\":%s},", members, text);

        json_decref(kid);
        free(text);
        free(members);
        members = longer;
    }
    for (size_t i = 0; i < COUNT_OF(kids); i++) {
        json_t *kid = json_string(kids[i]);
        char *text = json_dumps(kid, JSON_ENCODE_ANY);
        char *good = jwk(ec, "@");
        char *rest = strstr(good, "\"@\"");

        assert_non_null(rest);
        set = parsed(test_format("{\"keys\":[%s%.*s%s%s]}", members, (int)(rest - good), good, text,
                                 rest + 3));
        for (size_t j = 0; j < COUNT_OF(kids); j++)
            assert_code(find(set, kids[j], "ES256", &found), i == j ? JWTA_OK : JWTA_NO_KEY);
        assert_code(find(set, "@", "ES256", &found), JWTA_NO_KEY);
        jwta_keyset_unref(&set);
        json_decref(kid);
        free(text);
        free(good);
    }
    free(members);
}

static void test_counted(void **state)
{
    struct jwta_keyset *set = parsed(jwk(ec, "k"));
    struct jwta_keyset *again = jwta_keyset_ref(set);
    struct found found;

    (void)state;
    jwta_keyset_unref(&set);
    assert_code(find(again, "k", "ES256", &found), JWTA_OK);
    jwta_keyset_unref(&again);
}

static void *find_many(void *context)
{
    struct found found;
    size_t wrong = 0;

    for (int i = 0; i < 200; i++) {
        wrong += find(context, "r", "RS256", &found) != JWTA_OK;
        wrong += find(context, NULL, "ES256", &found) != JWTA_OK || found.count != 2;
    }
    return wrong == 0 ? context : NULL;
}

static void test_threads(void **state)
{
    struct jwta_keyset *set = parsed(set_of(jwk(rsa, "r"), jwk(ec, "e"), jwk(ec2, "f"), NULL));
    pthread_t threads[4];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, find_many, set), 0);
    for (size_t i = 0; i < COUNT_OF(threads); i++) {
        void *result = NULL;

        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_ptr_equal(result, set);
    }
    jwta_keyset_unref(&set);
}

#define TEST_BOTH(test)                              \
    {#test, test, as_published, NULL, NULL},         \
    {                                                \
#test "_listed", test, as_listed, NULL, NULL \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_refused),
        TEST_BOTH(test_single),
        TEST_BOTH(test_kid),
        TEST_BOTH(test_once),
        TEST_BOTH(test_without_kid),
        TEST_BOTH(test_tries),
        TEST_BOTH(test_duplicate_kid),
        cmocka_unit_test(test_mixed),
        TEST_BOTH(test_list),
        TEST_BOTH(test_counted),
        TEST_BOTH(test_threads),
        TEST_BOTH(test_strange_kids),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
