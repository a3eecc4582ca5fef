/* SPDX-License-Identifier: BSD-2-Clause */
/* What a service says to a SASL server: names, openid_configuration, proxy_roles and their like. */
#include "tests/unit/check.h"
#include "tests/unit/conf_text.h"
#include "tests/unit/token.h"

#include <stdlib.h>
#include <string.h>

/* A service of SASL whose one setting, besides its issuer, stands in line 10. */
static struct test_conf with(const char *setting)
{
    char *text = test_format("issuers:\n"
                             "  corp:\n"
                             "    issuer: https://idp.example\n"
                             "    jwks: file:/k\n"
                             "    audience: x\n"
                             "    username: ${sub}\n"
                             "    roles: /r\n"
                             "    groups: {o: ops, a: adm, d: dba}\n"
                             "services: {imap: {issuers: corp, allow_roles: r,\n"
                             "  %s}}\n",
                             setting);
    struct test_conf read = test_conf_read(text);

    free(text);
    return read;
}

/* Says exactly the problem, or nothing where it is NULL. */
static void check(const char *setting, enum jwta_code code, const char *problem)
{
    struct test_conf read = with(setting);
    bool right = read.code == code && read.problems.count == (problem != NULL ? 1 : 0) &&
                 (problem == NULL || test_conf_says(&read, problem));

    if (!right) {
        test_conf_print(&read);
        fail_msg("%s: expected %s", setting, problem != NULL ? problem : "nothing");
    }
    test_conf_free(&read);
}

static void test_names(void **state)
{
    struct test_conf read = with("names: {ops: \"{user}@{group}\",\n"
                                 "  adm: \"{group}-{user}.{group}.x\",\n"
                                 "  dba: \"{user}\"}");
    const struct jwta_namings *names = NULL;

    (void)state;
    assert_code(read.code, JWTA_OK);
    names = &jwta_conf_service(read.conf, "imap")->names;
    assert_int_equal(names->count, 3);
    assert_int_equal(names->where.line, 10);
    assert_string_equal(names->item[0].group.text, "ops");
    assert_int_equal(names->item[1].group.where.line, 11);
    assert_string_equal(names->item[0].before, "");
    assert_string_equal(names->item[0].after, "@ops");
    assert_string_equal(names->item[1].before, "adm-");
    assert_string_equal(names->item[1].after, ".adm.x");
    assert_string_equal(names->item[2].before, "");
    assert_string_equal(names->item[2].after, "");
    test_conf_free(&read);
}

static void test_names_refused(void **state)
{
    static const struct {
        const char *setting;
        const char *problem;
    } cases[] = {
        {"names: ops",
         "error 10: \"names\" needs a mapping, each line a group and the name that its users get "
         "(group: \"{user}@{group}\")"},
        {"names: {ops: [a]}", "error 10: \"ops\" needs one value here, not a list or mapping"},
        {"names: {ops: \"\"}", "error 10: \"ops\" is given an empty text"},
        {"names: {ops: \"admin\"}",
         "error 10: \"names\": \"admin\" has no {user}, so that all of a group would be one user"},
        {"names: {ops: \"{User}@ops\"}",
         "error 10: \"names\": \"{User}@ops\" has no {user}, so that all of a group would be one "
         "user"},
        {"names: {ops: \"{user}{user}\"}",
         "error 10: \"names\": \"{user}{user}\" has more than one {user}"},
        {"names: {ops: \"{user} ops\"}",
         "error 10: \"names\": \"{user} ops\" makes names with more than letters, digits and _ . @ "
         "+ - in them"},
        {"names: {ops: \"{user}@{groups}\"}",
         "error 10: \"names\": \"{user}@{groups}\" makes names with more than letters, digits and "
         "_ . @ + - in them"},
        {"names: {ops: \"-{user}\"}",
         "error 10: \"names\": \"-{user}\" makes names that begin with neither letter nor digit"},
        {"names: {ops: \"{user}x\", adm: \"{user}yx\"}",
         "error 10: \"names\": two users could get one name, by this template and that of group "
         "\"ops\" (t.yaml:10)"},
        {"names: {ops: \"A-{user}.X\", adm: \"a-b-{user}.x\"}",
         "error 10: \"names\": two users could get one name, by this template and that of group "
         "\"ops\" (t.yaml:10)"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        check(cases[i].setting, JWTA_CONF_INVALID, cases[i].problem);
}

/* No two users get one name by these. */
static void test_names_apart(void **state)
{
    static const char *const settings[] = {
        "names: {ops: \"{user}@x\", adm: \"{user}@x\"}",
        "names: {ops: \"{user}@x\", adm: \"{user}@y\"}",
        "names: {ops: \"{user}@x\", adm: \"{user}@a.x\"}",
        "names: {ops: \"{user}@x\", adm: \"{user}\"}",
        "names: {ops: \"{user}@x\", adm: \"x-{user}\"}",
        "names: {ops: \"y-{user}\", adm: \"x-{user}\"}",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(settings); i++)
        check(settings[i], JWTA_OK, NULL);
}

static void test_warnings(void **state)
{
    static const struct {
        const char *setting;
        const char *problem;
    } rows[] = {
        {"names: {nobodys: \"{user}-x\"}",
         "warning 14: no role of the issuers of service \"sshd\" gives group \"nobodys\", so that "
         "nobody gets its name"},
        {"names: {adm: \"{user}-x\"}",
         "warning 14: \"names\" has no effect: service \"sshd\" is one of PAM, not of SASL"},
        {"proxy_roles: r",
         "warning 14: \"proxy_roles\" has no effect: service \"sshd\" is one of PAM, not of SASL"},
        {"local_user: yes",
         "warning 14: \"local_user\" has no effect: service \"sshd\" is one of PAM, not of SASL"},
        {"properties: yes",
         "warning 14: \"properties\" has no effect: service \"sshd\" is one of PAM, not of SASL"},
        {"openid_configuration: https://idp.example/x",
         "warning 14: \"openid_configuration\" has no effect: service \"sshd\" is one of PAM, not "
         "of SASL"},
        {"proxy_roles: corp/r",
         "warning 14: with one issuer a role stands alone: \"corp/r\" is looked for as it is, with "
         "the name of the issuer in it"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct test_conf read = test_conf_accepted("service", rows[i].setting);

        if (!test_conf_says(&read, rows[i].problem)) {
            test_conf_print(&read);
            fail_msg("not said: %s", rows[i].problem);
        }
        test_conf_free(&read);
    }
}

#define ISSUERS(jwks)                                                                  \
    "issuers:\n"                                                                       \
    "  a: {issuer: \"https://idp.example/a/\", jwks: " jwks                            \
    ", audience: x, username: \"${sub}\"}\n"                                           \
    "  b: {issuer: \"https://idp.example/b\", jwks: discover, audience: y, username: " \
    "\"${sub}\"}\n"                                                                    \
    "services:\n"

/* Of a service of SASL nothing is said to be without effect. */
static void test_sasl_service(void **state)
{
    struct test_conf read = test_conf_read(ISSUERS("discover") "  imap: {issuers: a, local_user: "
                                                               "yes, properties: yes}\n");

    (void)state;
    assert_code(read.code, JWTA_OK);
    assert_true(jwta_conf_service(read.conf, "imap")->local_user.value);
    assert_true(jwta_conf_service(read.conf, "imap")->properties.value);
    for (size_t i = 0; i < read.problems.count; i++)
        assert_null(strstr(read.problems.item[i].text, "no effect"));
    test_conf_free(&read);
}

/* A role of several issuers is written with its own. */
static void test_proxy_issuers(void **state)
{
    struct test_conf read = test_conf_read(ISSUERS("discover") "  imap: {issuers: [a, b], "
                                                               "proxy_roles: [admin]}\n");

    (void)state;
    assert_code(read.code, JWTA_CONF_INVALID);
    assert_true(test_conf_says(&read, "error 5: service \"imap\" has several issuers: write "
                                      "\"admin\" with its issuer, as in \"a/ROLE\""));
    test_conf_free(&read);
    read =
        test_conf_read(ISSUERS("discover") "  imap: {issuers: [a, b], proxy_roles: [b/admin]}\n");
    assert_code(read.code, JWTA_CONF_INVALID);
    assert_true(test_conf_says(&read, "error 5: \"proxy_roles\" names \"b/admin\", but issuer "
                                      "\"b\" has no \"roles\" that say where in a token they "
                                      "stand"));
    test_conf_free(&read);
}

#define TWO(more) ISSUERS("discover") "  imap: {issuers: [a, b]" more "}\n"
#define SAME                                                                                  \
    "warning 3: service \"imap\": issuers \"a\" and \"b\" have the same \"username\": alice " \
    "of one is alice of the other (see username_match)"
#define EVERYBODY                                                                      \
    "warning 6: service \"imap\": \"proxy_roles\" has every role of \"allow_roles\": " \
    "whoever is let in may act as another"
#define ONE(more)                                                                           \
    "issuers:\n  a:\n    {issuer: \"https://idp.example/a\", jwks: discover, audience: x, " \
    "username: \"${sub}\", roles: /r}\nservices:\n  imap:\n    {issuers: a" more "}\n"
#define OTHER(username)                                                                          \
    "issuers:\n  a: {issuer: \"https://idp.example/a\", jwks: discover, audience: x, "           \
    "username: \"${sub}\"}\n  b: {issuer: \"https://idp.example/b\", jwks: discover, audience: " \
    "y, " username "}\nservices:\n  imap: {issuers: [a, b]}\n"

/* One person who can be another is warned of. */
static void test_hints(void **state)
{
    static const struct {
        const char *text;
        const char *problem;
        bool said;
    } rows[] = {
        {TWO(""), SAME, true},
        {OTHER("username: \"${sub}\""), SAME, true},
        {OTHER("username: \"x-${sub}\""), SAME, false},
        {OTHER("username: \"${name}\""), SAME, false},
        {OTHER("username: \"${sub}\", username_match: \"^b-.*$\""), SAME, false},
        {ONE(", allow_roles: [r, s], proxy_roles: [s, r, t]"), EVERYBODY, true},
        {ONE(", allow_roles: [r, s], proxy_roles: [s]"), EVERYBODY, false},
        {ONE(", allow_roles: [r], proxy_roles: [s]"), EVERYBODY, false},
        {ONE(", proxy_roles: [s]"), EVERYBODY, false},
        {ONE(", allow_roles: [r]"), EVERYBODY, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct test_conf read = test_conf_read(rows[i].text);

        if (read.code != JWTA_OK || test_conf_says(&read, rows[i].problem) != rows[i].said) {
            test_conf_print(&read);
            fail_msg("row %zu: %s", i, rows[i].text);
        }
        test_conf_free(&read);
    }
}

static void test_openid_configuration(void **state)
{
    static const struct {
        const char *text;
        const char *url;
        bool set;
    } rows[] = {
        {ISSUERS("discover") "  imap: {issuers: [a, b]}\n",
         "https://idp.example/a/.well-known/openid-configuration", false},
        {ISSUERS("discover") "  imap: {issuers: [b, a]}\n",
         "https://idp.example/b/.well-known/openid-configuration", false},
        {ISSUERS("file:/k") "  imap: {issuers: [a, b]}\n", NULL, false},
        {ISSUERS("\"https://idp.example/keys\"") "  imap: {issuers: [a]}\n", NULL, false},
        {ISSUERS("file:/k") "  imap: {issuers: [a], openid_configuration: "
                            "\"https://x.example/conf\"}\n",
         "https://x.example/conf", true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct test_conf read = test_conf_read(rows[i].text);
        const struct jwta_string *url = NULL;

        assert_code(read.code, JWTA_OK);
        url = &jwta_conf_service(read.conf, "imap")->openid_configuration;
        assert_int_equal(url->where.file != NULL, rows[i].set);
        if (rows[i].url == NULL)
            assert_null(url->text);
        else
            assert_string_equal(url->text, rows[i].url);
        test_conf_free(&read);
    }
}

static void test_openid_configuration_refused(void **state)
{
    static const struct {
        const char *setting;
        const char *problem;
    } cases[] = {
        {"openid_configuration: \"http://idp.example/x\"",
         "error 10: \"openid_configuration\" is no https:// URL (http:// only to localhost, "
         "127.0.0.1 or [::1]): \"http://idp.example/x\""},
        {"openid_configuration: [a]",
         "error 10: \"openid_configuration\" needs one value here, not a list or mapping"},
    };
    char setting[700];
    struct test_conf read;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        check(cases[i].setting, JWTA_CONF_INVALID, cases[i].problem);
    memset(setting, 0, sizeof(setting));
    memcpy(setting, "openid_configuration: https://", 30);
    memset(setting + 30, 'x', 512 - 8);
    check(setting, JWTA_OK, NULL);
    memset(setting + 30, 'x', 512 - 8 + 1);
    read = with(setting);
    assert_code(read.code, JWTA_CONF_INVALID);
    assert_int_equal(read.problems.count, 1);
    assert_non_null(strstr(read.problems.item[0].text, "is longer than 512 bytes"));
    test_conf_free(&read);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_names_refused),
        cmocka_unit_test(test_names_apart),
        cmocka_unit_test(test_warnings),
        cmocka_unit_test(test_sasl_service),
        cmocka_unit_test(test_proxy_issuers),
        cmocka_unit_test(test_hints),
        cmocka_unit_test(test_openid_configuration),
        cmocka_unit_test(test_openid_configuration_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
