/* SPDX-License-Identifier: BSD-2-Clause */
/* Where in a token something stands: username, username_match, roles, require; and groups. */
#include "tests/unit/check.h"
#include "tests/unit/conf_text.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A template as its pieces: literals as they are, <pointer>, <pointer|> for the local part. */
static void check_template(const char *template, bool email, const char *pieces)
{
    char setting[256];
    char got[256] = "";
    size_t len = 0;

    snprintf(setting, sizeof(setting), "username: '%s'\n    email_domain: example.com", template);
    struct test_conf read = test_conf_accepted("issuer", setting);
    const struct jwta_template *username = &read.conf->issuers[0].username;
    for (size_t i = 0; i < username->count; i++) {
        const char *text = username->piece[i].text;
        enum jwta_piece_kind kind = username->piece[i].kind;
        len += (size_t)snprintf(got + len, sizeof(got) - len, "%s%s%s",
                                kind == JWTA_PIECE_LITERAL ? "" : "<", text,
                                kind == JWTA_PIECE_LITERAL ? ""
                                : kind == JWTA_PIECE_CLAIM ? ">"
                                                           : "|>");
    }
    assert_string_equal(got, pieces);
    assert_int_equal(username->email, email);
    assert_string_equal(username->where.file, TEST_CONF_FILE);
    assert_int_equal(username->where.line, 6);
    test_conf_free(&read);
}

static void test_templates(void **state)
{
    (void)state;
    check_template("${preferred_username}", false, "</preferred_username>");
    check_template("${/a/b}", false, "</a/b>");
    check_template("corp-${sub}.x", false, "corp-</sub>.x");
    check_template("${a}${b}", false, "</a></b>");
    check_template("${email|localpart}", true, "</email|>");
    check_template("${email}", true, "</email>");
    check_template("${/email|localpart}-x", true, "</email|>-x");
    check_template("${a}-${email}", true, "</a>-</email>");
    check_template("${/x/email}", true, "</x/email>");
    check_template("${/email/x}", false, "</email/x>");
    check_template("${upn|localpart}", false, "</upn|>");
    /* A claim's name is a name, whatever stands in it; only a leading / makes a pointer. */
    check_template("${https://x/y~z}", false, "</https:~1~1x~1y~0z>");
    check_template("a}b${c}", false, "a}b</c>");
}

static void test_templates_refused(void **state)
{
    static const struct test_refusal cases[] = {
        {"issuer", "username: alice",
         "error 6: \"username\": no ${claim}, so that all tokens would be one user, in \"alice\""},
        {"issuer", "username: $sub",
         "error 6: \"username\": a $ that begins no ${claim} in \"$sub\""},
        {"issuer", "username: ${sub}$",
         "error 6: \"username\": a $ that begins no ${claim} in \"${sub}$\""},
        {"issuer", "username: a-${sub", "error 6: \"username\": a ${ without its } in \"a-${sub\""},
        {"issuer", "username: ${}", "error 6: \"username\": a ${} that names no claim in \"${}\""},
        {"issuer", "username: ${|localpart}",
         "error 6: \"username\": a ${} that names no claim in \"${|localpart}\""},
        {"issuer", "username: ${/a~2}",
         "error 6: \"username\": a JSON Pointer that is not valid in \"${/a~2}\""},
        {"issuer", "username: ${email|localprt}",
         "error 6: \"username\": unknown filter \"localprt\"; did you mean \"localpart\"?"},
        {"issuer", "username: ${email|lower}", "error 6: \"username\": unknown filter \"lower\""},
        {"issuer", "username: ${email|}", "error 6: \"username\": unknown filter \"\""},
        {"issuer", "username: [a, b]",
         "error 6: \"username\" needs one value here, not a list or mapping"},
        {"issuer", "username:", "error 2: issuer \"corp\" has no \"username\""},
        {"issuer", "username: ${email|localpart}",
         "error 6: \"username\" uses |localpart and needs \"email_domain\"; without it alice of "
         "any domain would be alice here"},
        {"issuer", "username: ${email|localpart}\n    email_domain: '@example.com'",
         "error 7: \"email_domain\": \"@example.com\" is no name such as example.com"},
    };

    (void)state;
    test_conf_check_refused(cases, COUNT_OF(cases));
}

static void assert_match(const struct jwta_pattern *pattern, const char *text, const char *group)
{
    regmatch_t found[2] = {{.rm_so = -1}, {.rm_so = -1}};

    if (group == NULL) {
        assert_false(jwta_pattern_match(pattern, text, found, 2));
        return;
    }
    assert_true(jwta_pattern_match(pattern, text, found, 2));
    assert_int_equal(found[0].rm_so, 0);
    assert_int_equal(found[0].rm_eo, strlen(text));
    assert_int_equal(found[1].rm_eo - found[1].rm_so, strlen(group));
    assert_memory_equal(text + found[1].rm_so, group, strlen(group));
}

static void test_patterns(void **state)
{
    (void)state;
    struct test_conf read = test_conf_accepted("issuer", "username_match: ^([a-z]+)-corp$");
    const struct jwta_pattern *pattern = &read.conf->issuers[0].username_match;
    assert_non_null(pattern->regex);
    assert_string_equal(pattern->text, "^([a-z]+)-corp$");
    assert_int_equal(pattern->where.line, 9);
    assert_match(pattern, "alice-corp", "alice");
    assert_match(pattern, "alice-corp ", NULL);
    assert_match(pattern, "x alice-corp", NULL);
    assert_match(pattern, "alice-corp\n", NULL);
    assert_match(pattern, "\nalice-corp", NULL);
    assert_match(pattern, "ALICE-corp", NULL);
    test_conf_free(&read);
    /* Each of these is one whole pattern between its anchors. */
    read =
        test_conf_accepted("issuer", "username_match: '^(a|b)[]|$)]\\\\[^]|][[:alpha:]|]\\|\\($'");
    assert_match(&read.conf->issuers[0].username_match, "a|\\xy|(", "a");
    test_conf_free(&read);
}

/* The host may run in any locale; C.UTF-8 is one that libc brings along. */
static void test_patterns_ignore_the_locale(void **state)
{
    (void)state;
    assert_non_null(setlocale(LC_ALL, "C.UTF-8"));
    struct test_conf read = test_conf_accepted("issuer", "username_match: ^(.).$");
    const struct jwta_pattern *pattern = &read.conf->issuers[0].username_match;
    /* In UTF-8 the two bytes of é are one character; in the C locale they are two. */
    assert_match(pattern, "\xc3\xa9", "\xc3");
    assert_match(pattern, "\xc3\xa9x", NULL);
    test_conf_free(&read);
    assert_non_null(setlocale(LC_ALL, "C"));
}

#define UNANCHORED(text)                                                   \
    {                                                                      \
        "issuer", "username_match: '" text "'",                            \
            "error 9: \"username_match\": \"" text                         \
            "\" must begin with ^ and end with $, to match the whole name" \
    }

static void test_patterns_refused(void **state)
{
    static const struct test_refusal cases[] = {
        UNANCHORED("[a-z]+"),
        UNANCHORED("^[a-z]+"),
        UNANCHORED("[a-z]+$"),
        UNANCHORED("^a[$]"),
        {"issuer", "username_match: '^a\\$'",
         "error 9: \"username_match\": \"^a\\x5c$\" must begin with ^ and end with $, to match the "
         "whole name"},
        {"issuer", "username_match: ^(a)\\1$",
         "error 9: \"username_match\": \"^(a)\\x5c1$\" has a back-reference, which is not "
         "accepted"},
        {"issuer", "username_match: ^a|b$",
         "error 9: \"username_match\": \"^a|b$\" has alternatives of which ^ and $ anchor only one "
         "each; write ^(a|b)$"},
        {"issuer", "username_match: ^(a)$|^(b)$",
         "error 9: \"username_match\": \"^(a)$|^(b)$\" has alternatives of which ^ and $ anchor "
         "only one each; write ^(a|b)$"},
        {"issuer", "username_match: '^a\\(|b$'",
         "error 9: \"username_match\": \"^a\\x5c(|b$\" has alternatives of which ^ and $ anchor "
         "only one each; write ^(a|b)$"},
        {"issuer", "username_match: '^a{2,1}$'",
         "error 9: \"username_match\": \"^a{2,1}$\" is no regular expression: Invalid content of "
         "\\{\\}"},
        {"issuer", "username_match: ^(a$",
         "error 9: \"username_match\": \"^(a$\" is no regular expression: Unmatched ( or \\("},
        {"issuer", "username_match: '^[a$'",
         "error 9: \"username_match\": \"^[a$\" is no regular expression: Unmatched [, [^, [:, "
         "[., or [="},
    };

    (void)state;
    test_conf_check_refused(cases, COUNT_OF(cases));
}

static void test_pointers(void **state)
{
    static const struct test_refusal cases[] = {
        {"issuer", "roles: groups",
         "error 7: \"roles\": \"groups\" is no JSON Pointer; did you mean \"/groups\"?"},
        {"issuer", "roles: [/a, realm_access.roles]",
         "error 7: \"roles\": \"realm_access.roles\" is no JSON Pointer; did you mean "
         "\"/realm_access/roles\"?"},
        {"issuer", "roles: /a~b", "error 7: \"roles\": \"/a~b\" is no JSON Pointer"},
        {"issuer", "roles: {a: b}", "error 7: \"roles\" needs a list, not a mapping"},
        {"issuer", "roles: []", "error 7: \"roles\" is an empty list"},
    };

    (void)state;
    struct test_conf read = test_conf_accepted("issuer", "roles: [/realm_access/roles, /a~1b]");
    assert_int_equal(read.conf->issuers[0].roles.count, 2);
    assert_string_equal(read.conf->issuers[0].roles.item[0].text, "/realm_access/roles");
    assert_string_equal(read.conf->issuers[0].roles.item[1].text, "/a~1b");
    test_conf_free(&read);
    test_conf_check_refused(cases, COUNT_OF(cases));
}

static void test_requirements(void **state)
{
    static const struct {
        const char *pointer;
        enum jwta_require_op op;
        const char *value;
        const char *text;
    } expected[] = {
        {"/amr", JWTA_REQUIRE_CONTAINS, "mfa", "/amr contains mfa"},
        {"/a~1b/c", JWTA_REQUIRE_EQUALS, "two words", "/a~1b/c  equals   two words"},
        {"/x", JWTA_REQUIRE_EXISTS, NULL, "/x exists"},
        {"/amr", JWTA_REQUIRE_CONTAINS, "hardware key", "/amr contains hardware key"},
    };

    (void)state;
    struct test_conf read = test_conf_accepted("service", "require:\n      - /amr contains mfa\n"
                                                          "      - '/a~1b/c  equals   two words'\n"
                                                          "      - /x exists\n"
                                                          "      - /amr contains hardware key");
    const struct jwta_requirements *require = &read.conf->services[0].require;
    assert_int_equal(require->where.line, 14);
    assert_int_equal(require->count, COUNT_OF(expected));
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        const struct jwta_requirement *item = &require->item[i];
        assert_string_equal(item->pointer, expected[i].pointer);
        assert_int_equal(item->op, expected[i].op);
        assert_string_equal(item->text, expected[i].text);
        assert_int_equal(item->where.line, 15 + i);
        if (expected[i].value == NULL)
            assert_null(item->value);
        else
            assert_string_equal(item->value, expected[i].value);
    }
    test_conf_free(&read);
}

#define NO_REQUIREMENT(text, hint)                                                            \
    {                                                                                         \
        "service", "require: [\"" text "\"]",                                                 \
            "error 14: \"require\": \"" text "\" is not of the form POINTER exists, POINTER " \
            "contains WORD or POINTER equals VALUE" hint                                      \
    }

static void test_requirements_refused(void **state)
{
    static const struct test_refusal cases[] = {
        NO_REQUIREMENT("/amr", ""),
        NO_REQUIREMENT("/amr has mfa", ""),
        NO_REQUIREMENT("/amr contain mfa", "; did you mean \"contains\"?"),
        NO_REQUIREMENT("/amr equal mfa", "; did you mean \"equals\"?"),
        NO_REQUIREMENT("/amr contains", ""),
        NO_REQUIREMENT("/amr equals ", ""),
        NO_REQUIREMENT("/amr exists yes", ""),
        {"service", "require: amr contains mfa",
         "error 14: \"require\": \"amr\" is no JSON Pointer; did you mean \"/amr\"?"},
        {"service", "require: []", "error 14: \"require\" is an empty list"},
    };

    (void)state;
    test_conf_check_refused(cases, COUNT_OF(cases));
}

static void assert_mapping(const struct jwta_issuer *issuer, const char *role, const char *groups)
{
    const struct jwta_mapping *mapping = jwta_conf_mapping(issuer, jwta_span_of(role));
    char got[128] = "";
    size_t len = 0;

    if (groups == NULL) {
        assert_null(mapping);
        return;
    }
    assert_non_null(mapping);
    assert_string_equal(mapping->role.text, role);
    for (size_t i = 0; i < mapping->count; i++)
        len += (size_t)snprintf(got + len, sizeof(got) - len, "%s=%u ", mapping->group[i].name,
                                (unsigned)mapping->group[i].gid);
    assert_string_equal(got, groups);
}

static void test_mappings(void **state)
{
    (void)state;
    struct test_conf read = test_conf_accepted("issuer", "groups:\n"
                                                         "      zeta: [ops, adm]\n"
                                                         "      dba team: dba\n"
                                                         "      \"a \\\"b\\\"\": [adm]\n"
                                                         "      Gr\xc3\xb6\xc3\x9f"
                                                         "e: [adm]\n"
                                                         "      /corp/ops: [ops]\n"
                                                         "      zet: [adm]\n"
                                                         "      Zeta: [dba]");
    const struct jwta_issuer *issuer = &read.conf->issuers[0];
    assert_int_equal(issuer->groups.count, 7);
    assert_mapping(issuer, "zeta", "ops=500 adm=4 ");
    assert_mapping(issuer, "dba team", "dba=501 ");
    assert_mapping(issuer, "a \"b\"", "adm=4 ");
    assert_mapping(issuer,
                   "Gr\xc3\xb6\xc3\x9f"
                   "e",
                   "adm=4 ");
    assert_mapping(issuer, "/corp/ops", "ops=500 ");
    assert_mapping(issuer, "zet", "adm=4 ");
    assert_mapping(issuer, "Zeta", "dba=501 ");
    assert_mapping(issuer, "ze", NULL);
    assert_mapping(issuer, "zetas", NULL);
    assert_mapping(issuer, "ZETA", NULL);
    assert_mapping(issuer, "", NULL);
    assert_null(jwta_conf_mapping(issuer, jwta_span("zet\0", 4)));
    assert_non_null(jwta_conf_mapping(issuer, jwta_span("zetax", 4)));
    assert_int_equal(jwta_conf_mapping(issuer, jwta_span_of("zeta"))->role.where.line, 9);
    test_conf_free(&read);
}

static void test_mappings_refused(void **state)
{
    static const char no_mapping[] = "error 8: \"groups\" needs a mapping, each line a role and "
                                     "its groups (role: [group, group])";
    static const struct test_refusal cases[] = {
        {"issuer", "groups: ops", no_mapping},
        {"issuer", "groups: [ops]", no_mapping},
        {"issuer", "groups: {}", no_mapping},
        {"issuer", "groups: {a: []}", "error 8: \"a\" is an empty list"},
        {"issuer", "groups: {a: {b: c}}", "error 8: \"a\" needs a list, not a mapping"},
        {"issuer", "groups: {\"\": adm}", "error 8: \"groups\" maps an empty role"},
        {"issuer", "groups: {dba team: postgres}",
         "error 8: role \"dba team\" is mapped to group \"postgres\", which does not exist on "
         "this host"},
        {"issuer", "groups: {boss: root}",
         "error 8: role \"boss\" is mapped to group \"root\", which has gid 0; no role may give "
         "it"},
        {"issuer", "groups:\n      a: [adm]\n      boss: [adm, toor]",
         "error 10: role \"boss\" is mapped to group \"toor\", which has gid 0; no role may give "
         "it"},
        {"issuer", "groups: {a: nogid}",
         "error 8: role \"a\" is mapped to group \"nogid\", which has no gid that can be used"},
        {"issuer", "groups: {a: flaky}",
         "error 8: role \"a\" is mapped to group \"flaky\", which cannot be looked up: the group "
         "database does not answer"},
    };

    (void)state;
    test_conf_check_refused(cases, COUNT_OF(cases));
}

/* Ten thousand roles and two groups are two look-ups. */
static void test_many_mappings(void **state)
{
    char *setting = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&setting, &len);
    char role[32];

    (void)state;
    assert_non_null(out);
    fputs("groups:\n", out);
    for (int i = 0; i < 10000; i++)
        fprintf(out, "      role-%d: [%s, dba]\n", i, i % 2 == 0 ? "adm" : "dba");
    fclose(out);
    unsigned before = test_conf_lookups;
    struct test_conf read = test_conf_accepted("issuer", setting);
    free(setting);
    assert_int_equal(test_conf_lookups - before, 2);
    assert_int_equal(read.conf->issuers[0].groups.count, 10000);
    for (int i = 0; i < 10000; i++) {
        snprintf(role, sizeof(role), "role-%d", i);
        assert_mapping(&read.conf->issuers[0], role,
                       i % 2 == 0 ? "adm=4 dba=501 " : "dba=501 dba=501 ");
    }
    assert_mapping(&read.conf->issuers[0], "role-10000", NULL);
    test_conf_free(&read);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_templates),        cmocka_unit_test(test_templates_refused),
        cmocka_unit_test(test_patterns),         cmocka_unit_test(test_patterns_ignore_the_locale),
        cmocka_unit_test(test_patterns_refused), cmocka_unit_test(test_pointers),
        cmocka_unit_test(test_requirements),     cmocka_unit_test(test_requirements_refused),
        cmocka_unit_test(test_mappings),         cmocka_unit_test(test_mappings_refused),
        cmocka_unit_test(test_many_mappings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
