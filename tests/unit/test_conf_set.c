/* SPDX-License-Identifier: BSD-2-Clause */
/* Each type of the keyword tables: what is accepted and what it becomes, what is refused and how.
 */
#include "tests/unit/check.h"
#include "tests/unit/conf_text.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void assert_place(struct jwta_where where, unsigned line)
{
    assert_non_null(where.file);
    assert_string_equal(where.file, TEST_CONF_FILE);
    assert_int_equal(where.line, line);
}

static void test_durations(void **state)
{
    static const struct {
        const char *setting;
        int64_t seconds;
    } cases[] = {{"max_lifetime: 30s", 30},     {"max_lifetime: 15m", 900},
                 {"max_lifetime: 8h", 28800},   {"max_lifetime: 1d", 86400},
                 {"max_lifetime: 1s", 1},       {"max_lifetime: 0010m", 600},
                 {"max_lifetime: \"90s\"", 90}, {"max_lifetime: 3650d", INT64_C(315360000)}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct test_conf read = test_conf_accepted("issuer", cases[i].setting);
        assert_int_equal(read.conf->issuers[0].max_lifetime.value, cases[i].seconds);
        assert_place(read.conf->issuers[0].max_lifetime.where, 9);
        test_conf_free(&read);
    }
    struct test_conf read = test_conf_accepted("top", "clock_skew: 0");
    assert_int_equal(read.conf->clock_skew.value, 0);
    assert_place(read.conf->clock_skew.where, 1);
    test_conf_free(&read);
    read = test_conf_accepted("top", "clock_skew: 10m");
    assert_int_equal(read.conf->clock_skew.value, 600);
    test_conf_free(&read);
    read = test_conf_accepted("service", "max_auth_age: 15m");
    assert_int_equal(read.conf->services[0].max_auth_age.value, 900);
    test_conf_free(&read);
}

#define NO_TIME(text)                                                                          \
    {                                                                                          \
        "issuer", "max_lifetime: " text,                                                       \
            "error 9: \"max_lifetime\" must be a time such as 30s, 15m, 8h or 1d, not \"" text \
            "\""                                                                               \
    }

static void test_durations_refused(void **state)
{
    static const struct test_refusal cases[] = {
        NO_TIME("60"),
        NO_TIME("-1s"),
        NO_TIME("+1s"),
        NO_TIME("1w"),
        NO_TIME("1.5h"),
        NO_TIME("1h30m"),
        NO_TIME("1 h"),
        NO_TIME("s"),
        NO_TIME("1S"),
        NO_TIME("0x10s"),
        NO_TIME("999999999999999999d"),
        NO_TIME("9999999999999999999s"),
        NO_TIME("18446744073709551617s"),
        {"issuer", "max_lifetime: 0", "error 9: \"max_lifetime\" must be from 1s to 3650d"},
        {"issuer", "max_lifetime: 3651d", "error 9: \"max_lifetime\" must be from 1s to 3650d"},
        {"issuer", "max_lifetime: \"\"", "error 9: \"max_lifetime\" is given an empty text"},
        {"issuer", "max_lifetime: [15m]",
         "error 9: \"max_lifetime\" needs one value here, not a list or mapping"},
        {"top", "clock_skew: 601s", "error 1: \"clock_skew\" must be at most 10m"},
        {"top", "clock_skew: 99999999999999999d",
         "error 1: \"clock_skew\" must be a time such as 30s, 15m, 8h or 1d, not "
         "\"99999999999999999d\""},
        {"service", "max_auth_age: 0", "error 14: \"max_auth_age\" must be from 1s to 3650d"},
    };

    (void)state;
    test_conf_check_refused(cases, COUNT_OF(cases));
}

static void test_numbers(void **state)
{
    static const struct test_refusal cases[] = {
        {"top", "min_uid: 0", "error 1: \"min_uid\" must be from 1 to 4294967294"},
        {"top", "min_uid: 4294967295", "error 1: \"min_uid\" must be from 1 to 4294967294"},
        {"top", "min_uid: -1", "error 1: \"min_uid\" must be a whole number, not \"-1\""},
        {"top", "min_uid: 1e3", "error 1: \"min_uid\" must be a whole number, not \"1e3\""},
        {"top", "min_uid: 1_000", "error 1: \"min_uid\" must be a whole number, not \"1_000\""},
        {"top", "min_uid: 99999999999999999999",
         "error 1: \"min_uid\" must be a whole number, not \"99999999999999999999\""},
        {"top", "min_uid: {a: b}",
         "error 1: \"min_uid\" needs one value here, not a list or mapping"},
    };

    (void)state;
    struct test_conf read = test_conf_accepted("top", "min_uid: 500");
    assert_int_equal(read.conf->min_uid.value, 500);
    assert_place(read.conf->min_uid.where, 1);
    test_conf_free(&read);
    test_conf_check_refused(cases, COUNT_OF(cases));
}

static void test_flags(void **state)
{
    static const struct test_refusal cases[] = {
        {"service", "observe: maybe", "error 14: \"observe\" must be yes or no, not \"maybe\""},
        {"service", "observe: Yes", "error 14: \"observe\" must be yes or no, not \"Yes\""},
        {"service", "observe: on", "error 14: \"observe\" must be yes or no, not \"on\""},
        {"service", "observe: 1", "error 14: \"observe\" must be yes or no, not \"1\""},
        {"issuer", "client_tokens: y", "error 9: \"client_tokens\" must be yes or no, not \"y\""},
    };
    static const struct {
        const char *setting;
        bool value;
    } words[] = {{"observe: yes", true},
                 {"observe: true", true},
                 {"observe: no", false},
                 {"observe: false", false}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        struct test_conf read = test_conf_accepted("service", words[i].setting);
        assert_int_equal(read.conf->services[0].observe.value, words[i].value);
        assert_place(read.conf->services[0].observe.where, 14);
        test_conf_free(&read);
    }
    test_conf_check_refused(cases, COUNT_OF(cases));
}

static void test_lists(void **state)
{
    static const struct test_refusal cases[] = {
        {"service", "acr: []", "error 14: \"acr\" is an empty list"},
        {"service", "acr: {a: b}", "error 14: \"acr\" needs a list, not a mapping"},
        {"service", "acr: [a, \"\"]", "error 14: \"acr\" is given an empty text"},
        {"service", "acr:\n      - a\n      - [b]",
         "error 16: \"acr\" needs one value here, not a list or mapping"},
        {"service", "scope: openid ssh",
         "error 14: \"scope\": \"openid ssh\" is several words; write a list, [one, two]"},
    };

    (void)state;
    struct test_conf read = test_conf_accepted("service", "acr:\n      - urn:a\n      - b c");
    const struct jwta_strings *acr = &read.conf->services[0].acr;
    assert_int_equal(acr->count, 2);
    assert_string_equal(acr->item[0].text, "urn:a");
    assert_string_equal(acr->item[1].text, "b c");
    assert_place(acr->where, 14);
    assert_place(acr->item[0].where, 15);
    assert_place(acr->item[1].where, 16);
    test_conf_free(&read);
    read = test_conf_accepted("service", "system_users: backup");
    assert_int_equal(read.conf->services[0].system_users.count, 1);
    assert_string_equal(read.conf->services[0].system_users.item[0].text, "backup");
    test_conf_free(&read);
    read = test_conf_accepted("service", "scope: [openid, ssh]");
    assert_int_equal(read.conf->services[0].scope.count, 2);
    test_conf_free(&read);
    test_conf_check_refused(cases, COUNT_OF(cases));
}

static void test_audience(void **state)
{
    static const struct test_refusal cases[] = {
        {"issuer", "audience: [any]",
         "error 5: \"any\" stands for every audience and so stands alone, in no list"},
        {"issuer", "audience: []", "error 5: \"audience\" is an empty list"},
        {"issuer", "audience: {a: b}", "error 5: \"audience\" needs a list, not a mapping"},
        {"service", "audience: any",
         "error 12: a service can only narrow the audience of its issuers; \"any\" would widen "
         "it"},
    };

    (void)state;
    struct test_conf read = test_conf_accepted("issuer", "audience: [urn:a, \"urn:b c\"]");
    const struct jwta_audience *audience = &read.conf->issuers[0].audience;
    assert_false(audience->any);
    assert_int_equal(audience->list.count, 2);
    assert_string_equal(audience->list.item[1].text, "urn:b c");
    assert_place(audience->list.where, 5);
    test_conf_free(&read);
    read = test_conf_accepted("issuer", "audience: any");
    assert_true(read.conf->issuers[0].audience.any);
    assert_int_equal(read.conf->issuers[0].audience.list.count, 0);
    assert_place(read.conf->issuers[0].audience.list.where, 5);
    assert_true(test_conf_says(&read, "warning 5: \"audience: any\" accepts tokens that issuer "
                                      "\"corp\" made for anything else"));
    test_conf_free(&read);
    test_conf_check_refused(cases, COUNT_OF(cases));
}

static void test_host_name(void **state)
{
    static const struct test_refusal cases[] = {
        {"service", "audience: ssh://%x",
         "error 12: \"audience\": \"ssh://%x\" has a % that is neither %h (the host's name) nor "
         "%%"},
        {"service", "audience: ssh%",
         "error 12: \"audience\": \"ssh%\" has a % that is neither %h (the host's name) nor %%"},
        {"top", "host_name: a b", "error 1: \"host_name\": \"a b\" is no name such as example.com"},
        {"top", "host_name: https://a",
         "error 1: \"host_name\": \"https://a\" is no name such as example.com"},
    };

    (void)state;
    struct test_conf read =
        test_conf_accepted("service", "audience: [\"ssh://%h\", \"%h%%%h\", \"%%20\"]");
    const struct jwta_strings *list = &read.conf->services[0].audience.list;
    assert_string_equal(list->item[0].text, "ssh://lab");
    assert_string_equal(list->item[1].text, "lab%lab");
    assert_string_equal(list->item[2].text, "%20");
    assert_place(list->item[0].where, 12);
    test_conf_free(&read);
    read = test_conf_with("issuer", "audience: \"ssh://%h\"");
    assert_code(read.code, JWTA_OK);
    assert_string_equal(read.conf->issuers[0].audience.list.item[0].text, "ssh://%h");
    assert_true(test_conf_says(
        &read, "warning 5: %h stands for the host's name only in a service's \"audience\""));
    test_conf_free(&read);
    test_conf_check_refused(cases, COUNT_OF(cases));
}

static void test_configured_host_name(void **state)
{
    (void)state;
    struct test_conf read = test_conf_read("services:\n"
                                           "  sshd: {issuers: c, audience: 'x-%h', scope: a}\n"
                                           "issuers:\n"
                                           "  c: {issuer: 'https://c', jwks: 'file:/c', "
                                           "username: '${sub}'}\n"
                                           "host_name: web-1.example.com\n");
    assert_code(read.code, JWTA_OK);
    assert_string_equal(read.conf->services[0].audience.list.item[0].text, "x-web-1.example.com");
    test_conf_free(&read);
}

static unsigned bits_of(const char *const *names, size_t count)
{
    struct jwta_algs set = {0};

    for (size_t i = 0; i < count; i++)
        set = jwta_algs_add(set, jwta_alg_find(jwta_span_of(names[i])));
    return set.bits;
}

static void test_algorithms(void **state)
{
    static const char *const two[] = {"ES384", "RS512"};
    static const char *const secret[] = {"HS256", "HS512"};
    static const char *const defaults[] = {"ES256", "RS256", "PS256", "EdDSA", "Ed25519"};

    (void)state;
    struct test_conf read = test_conf_accepted("issuer", "algorithms: [RS512, ES384]");
    assert_int_equal(read.conf->issuers[0].algorithms.set.bits, bits_of(two, COUNT_OF(two)));
    assert_place(read.conf->issuers[0].algorithms.where, 9);
    test_conf_free(&read);
    read = test_conf_accepted("issuer", "algorithms: [HS256, HS512]");
    assert_int_equal(read.conf->issuers[0].algorithms.set.bits, bits_of(secret, COUNT_OF(secret)));
    test_conf_free(&read);
    read = test_conf_accepted("issuer", "max_lifetime: 1h");
    assert_int_equal(read.conf->issuers[0].algorithms.set.bits,
                     bits_of(defaults, COUNT_OF(defaults)));
    assert_null(read.conf->issuers[0].algorithms.where.file);
    test_conf_free(&read);
}

#define NONE(text)                                                                         \
    {                                                                                      \
        "issuer", "algorithms: " text,                                                     \
            "error 9: the algorithm \"" text "\" means no signature and is never accepted" \
    }

static void test_algorithms_refused(void **state)
{
    static const struct test_refusal cases[] = {
        NONE("none"),
        NONE("None"),
        NONE("NONE"),
        NONE("nOnE"),
        {"issuer", "algorithms: [ES256, none]",
         "error 9: the algorithm \"none\" means no signature and is never accepted"},
        {"issuer", "algorithms: es256",
         "error 9: unknown algorithm \"es256\"; did you mean \"ES256\"?"},
        {"issuer", "algorithms: RSA256",
         "error 9: unknown algorithm \"RSA256\"; did you mean \"RS256\"?"},
        {"issuer", "algorithms: RSA-OAEP-256", "error 9: unknown algorithm \"RSA-OAEP-256\""},
        {"issuer", "algorithms: []", "error 9: \"algorithms\" is an empty list"},
        {"issuer", "algorithms: [HS256, ES256]",
         "error 9: \"algorithms\" mixes HS256 (a shared secret) with ES256 (a public key)"},
    };

    (void)state;
    test_conf_check_refused(cases, COUNT_OF(cases));
}

static void test_types(void **state)
{
    (void)state;
    struct test_conf read =
        test_conf_accepted("issuer", "typ: [application/AT+jwt, APPLICATION/x, absent]");
    const struct jwta_types *typ = &read.conf->issuers[0].typ;
    assert_true(typ->absent);
    assert_int_equal(typ->list.count, 2);
    assert_string_equal(typ->list.item[0].text, "AT+jwt");
    assert_string_equal(typ->list.item[1].text, "x");
    assert_place(typ->list.where, 9);
    test_conf_free(&read);
    read = test_conf_accepted("issuer", "typ: absent");
    assert_true(read.conf->issuers[0].typ.absent);
    assert_int_equal(read.conf->issuers[0].typ.list.count, 0);
    assert_non_null(read.conf->issuers[0].typ.list.where.file);
    test_conf_free(&read);
    read = test_conf_accepted("issuer", "typ: at+jwt");
    assert_false(read.conf->issuers[0].typ.absent);
    test_conf_free(&read);
    read = test_conf_accepted("issuer", "max_lifetime: 1h");
    typ = &read.conf->issuers[0].typ;
    assert_true(typ->absent);
    assert_int_equal(typ->list.count, 2);
    assert_string_equal(typ->list.item[0].text, "at+jwt");
    assert_string_equal(typ->list.item[1].text, "JWT");
    assert_null(typ->list.where.file);
    test_conf_free(&read);

    static const struct test_refusal cases[] = {
        {"issuer", "typ: []", "error 9: \"typ\" is an empty list"},
        {"issuer", "typ: application/", "error 9: \"typ\" has an empty media type"},
    };
    test_conf_check_refused(cases, COUNT_OF(cases));
}

static void test_jwks(void **state)
{
    static const struct {
        const char *setting;
        enum jwta_jwks_kind kind;
        const char *place;
    } cases[] = {
        {"jwks: file:/etc/a b.json", JWTA_JWKS_FILE, "/etc/a b.json"},
        {"jwks: discover", JWTA_JWKS_DISCOVER, NULL},
        {"jwks: https://idp/keys?v=2", JWTA_JWKS_URL, "https://idp/keys?v=2"},
        {"jwks: http://[::1]:8080/keys", JWTA_JWKS_URL, "http://[::1]:8080/keys"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct test_conf read = test_conf_accepted("issuer", cases[i].setting);
        const struct jwta_jwks *jwks = &read.conf->issuers[0].jwks;
        assert_int_equal(jwks->kind, cases[i].kind);
        if (cases[i].place == NULL)
            assert_null(jwks->place);
        else
            assert_string_equal(jwks->place, cases[i].place);
        assert_place(jwks->where, 4);
        assert_int_equal(read.problems.count, 0);
        test_conf_free(&read);
    }
}

static void test_jwks_refused(void **state)
{
    static const struct test_refusal cases[] = {
        {"issuer", "jwks: file:corp.jwks",
         "error 4: \"jwks\": the path \"corp.jwks\" is not absolute"},
        {"issuer", "jwks: 'file:'", "error 4: \"jwks\": the path \"\" is not absolute"},
        {"issuer", "jwks: file:///etc/corp.jwks",
         "error 4: \"jwks\": write file: and the absolute path, without \"//\""},
        {"issuer", "jwks: /etc/corp.jwks",
         "error 4: \"jwks\" must be \"file:/absolute/path\", \"discover\" or an https:// URL, not "
         "\"/etc/corp.jwks\""},
        {"issuer", "jwks: Discover",
         "error 4: \"jwks\" must be \"file:/absolute/path\", \"discover\" or an https:// URL, not "
         "\"Discover\""},
        {"issuer", "jwks: [discover]",
         "error 4: \"jwks\" needs one value here, not a list or mapping"},
    };
    static const char problem[] =
        "error 4: \"jwks\" is no https:// URL (http:// only to localhost, 127.0.0.1 or [::1]): "
        "\"http://idp/keys\"";

    (void)state;
    test_conf_check_refused(cases, COUNT_OF(cases));
    struct test_conf read = test_conf_with("issuer", "jwks: http://idp/keys");
    assert_code(read.code, JWTA_CONF_INVALID);
    assert_true(test_conf_says(&read, problem));
    test_conf_free(&read);
}

static void test_grant(void **state)
{
    static const struct test_refusal cases[] = {
        {"service", "grant: yes",
         "error 14: \"grant\" must be \"optional\" or \"required\", not \"yes\""},
    };

    (void)state;
    struct test_conf read = test_conf_accepted("service", "grant: required");
    assert_int_equal(read.conf->services[0].grant.need, JWTA_GRANT_REQUIRED);
    assert_place(read.conf->services[0].grant.where, 14);
    test_conf_free(&read);
    read = test_conf_accepted("service", "grant: optional");
    assert_int_equal(read.conf->services[0].grant.need, JWTA_GRANT_OPTIONAL);
    test_conf_free(&read);
    read = test_conf_accepted("service", "observe: no");
    assert_int_equal(read.conf->services[0].grant.need, JWTA_GRANT_OPTIONAL);
    assert_null(read.conf->services[0].grant.where.file);
    test_conf_free(&read);
    test_conf_check_refused(cases, COUNT_OF(cases));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_durations),    cmocka_unit_test(test_durations_refused),
        cmocka_unit_test(test_numbers),      cmocka_unit_test(test_flags),
        cmocka_unit_test(test_lists),        cmocka_unit_test(test_audience),
        cmocka_unit_test(test_host_name),    cmocka_unit_test(test_configured_host_name),
        cmocka_unit_test(test_algorithms),   cmocka_unit_test(test_algorithms_refused),
        cmocka_unit_test(test_types),        cmocka_unit_test(test_jwks),
        cmocka_unit_test(test_jwks_refused), cmocka_unit_test(test_grant),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
