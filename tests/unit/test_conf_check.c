/* SPDX-License-Identifier: BSD-2-Clause */
/* What holds between keywords and sections, what is only warned of, and what the defaults are. */
#include "tests/unit/check.h"
#include "tests/unit/conf_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Text that is refused, or accepted, with exactly these problems. */
static void check_text(const char *text, enum jwta_code code, const char *const *problems,
                       size_t count)
{
    struct test_conf read = test_conf_read(text);
    bool right = read.problems.count == count;

    for (size_t i = 0; i < count; i++)
        right = right && test_conf_says(&read, problems[i]);
    if (!right || read.code != code) {
        print_error("%s", text);
        test_conf_print(&read);
    }
    assert_code(read.code, code);
    assert_true(right);
    test_conf_free(&read);
}

#define CHECK_TEXT(text, code, ...)                            \
    check_text(text, code, (const char *const[]){__VA_ARGS__}, \
               COUNT_OF(((const char *const[]){__VA_ARGS__})))

static void test_base_is_right(void **state)
{
    (void)state;
    struct test_conf read = test_conf_accepted("issuer", "client_tokens: no");
    assert_int_equal(read.problems.count, 0);
    assert_int_equal(read.conf->issuer_count, 1);
    assert_string_equal(read.conf->issuers[0].name, "corp");
    assert_int_equal(read.conf->issuers[0].where.line, 2);
    const struct jwta_service *service = jwta_conf_service(read.conf, "sshd");
    assert_non_null(service);
    assert_int_equal(service->issuer_count, 1);
    assert_ptr_equal(service->issuer[0], &read.conf->issuers[0]);
    assert_int_equal(service->where.line, 11);
    assert_null(jwta_conf_service(read.conf, "SSHD"));
    assert_null(jwta_conf_service(read.conf, "ssh"));
    assert_null(jwta_conf_service(read.conf, ""));
    /* Defaults stand nowhere. */
    assert_int_equal(read.conf->clock_skew.value, 60);
    assert_null(read.conf->clock_skew.where.file);
    assert_int_equal(read.conf->min_uid.value, 1000);
    assert_null(read.conf->min_uid.where.file);
    assert_null(read.conf->issuers[0].max_lifetime.where.file);
    assert_int_equal(read.conf->issuers[0].max_lifetime.value, 0);
    assert_null(service->allow_groups.where.file);
    assert_false(service->observe.value);
    test_conf_free(&read);
}

static void test_required(void **state)
{
    static const struct test_refusal cases[] = {
        {"issuer", "issuer:", "error 2: issuer \"corp\" has no \"issuer\""},
        {"issuer", "jwks:", "error 2: issuer \"corp\" has no \"jwks\""},
        {"issuer", "username:", "error 2: issuer \"corp\" has no \"username\""},
    };

    (void)state;
    test_conf_check_refused(cases, COUNT_OF(cases));
    struct test_conf read = test_conf_with("service", "issuers:");
    assert_code(read.code, JWTA_CONF_INVALID);
    assert_true(test_conf_says(&read, "error 10: service \"sshd\" has no \"issuers\""));
    test_conf_free(&read);
}

static void test_issuer_urls(void **state)
{
    static const char *const accepted[] = {"issuer: https://idp.example.com",
                                           "issuer: https://idp.example.com/",
                                           "issuer: https://idp.example.com:8443/",
                                           "issuer: https://[2001:db8::1]:8443/x",
                                           "issuer: http://localhost:3000",
                                           "issuer: http://127.0.0.1/realms/a",
                                           "issuer: http://[::1]:80"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(accepted); i++) {
        struct test_conf read = test_conf_accepted("issuer", accepted[i]);
        assert_string_equal(read.conf->issuers[0].issuer.text, accepted[i] + strlen("issuer: "));
        test_conf_free(&read);
    }
}

#define NOT_HTTPS "is no https:// URL (http:// only to localhost, 127.0.0.1 or [::1])"
#define BAD_URL(url, fault)                                                         \
    {                                                                               \
        "issuer", "issuer: '" url "'", "error 3: \"issuer\" " fault ": \"" url "\"" \
    }

static void test_issuer_urls_refused(void **state)
{
    static const struct test_refusal cases[] = {
        BAD_URL("idp.example.com", "is no https:// URL"),
        BAD_URL("HTTPS://idp.example.com", "is no https:// URL"),
        BAD_URL("ftp://idp.example.com", "is no https:// URL"),
        BAD_URL("https:/idp.example.com", "is no https:// URL"),
        BAD_URL("urn:idp", "is no https:// URL"),
        BAD_URL("https://", "names no host"),
        BAD_URL("https:///realms", "names no host"),
        BAD_URL("https://:443/", "names no host"),
        BAD_URL("https://idp/#x", "has a fragment (#)"),
        BAD_URL("https://idp/?a=b", "has a query (?)"),
        BAD_URL("https://idp?a", "has a query (?)"),
        BAD_URL("https://id p/", "has white space or characters that no URL may have"),
        BAD_URL(" https://idp/", "has white space or characters that no URL may have"),
        BAD_URL("https://idp/ ", "has white space or characters that no URL may have"),
        BAD_URL("https://me@idp/", "names a user"),
        BAD_URL("https://idp:/", "has a port that is no number"),
        BAD_URL("https://idp:8o/", "has a port that is no number"),
        BAD_URL("https://idp:123456/", "has a port that is no number"),
        BAD_URL("https://[::1/", "has a host with an open bracket"),
        BAD_URL("https://[::1]x/", "has a port that is no number"),
        BAD_URL("http://idp.example.com", NOT_HTTPS),
        BAD_URL("http://localhost.example.com", NOT_HTTPS),
        BAD_URL("http://127.0.0.1.example.com/", NOT_HTTPS),
        BAD_URL("http://127.0.0.2/", NOT_HTTPS),
        BAD_URL("http://localhost@idp/", "names a user"),
        {"issuer", "jwks: 'https://me:secret@idp/keys'",
         "error 4: \"jwks\" names a user: \"https://me:secret@idp/keys\""},
        {"issuer", "jwks: discover\n    proxy: 'http://me:secret@proxy:3128'",
         "error 5: \"proxy\" names a user: \"http://me:secret@proxy:3128\""},
    };

    (void)state;
    test_conf_check_refused(cases, COUNT_OF(cases));
}

static void test_secrets(void **state)
{
    (void)state;
    struct test_conf read =
        test_conf_with("issuer", "jwks: discover\n    algorithms: [HS256, HS512]");
    assert_code(read.code, JWTA_CONF_INVALID);
    assert_true(test_conf_says(&read, "error 4: the secret for HS512 must come from a file:"));
    test_conf_free(&read);
    read = test_conf_with("issuer", "jwks: https://idp/k\n    algorithms: HS256");
    assert_code(read.code, JWTA_CONF_INVALID);
    assert_true(test_conf_says(&read, "error 4: the secret for HS256 must come from a file:"));
    test_conf_free(&read);
}

#define ISSUER(name, more)                                                                       \
    "  " name ": {issuer: 'https://" name "', jwks: 'file:/k', username: '" name "-${sub}'" more \
    "}\n"
#define ISSUERS(a, b) "issuers:\n" a b

static void test_same_issuer_twice(void **state)
{
    (void)state;
    CHECK_TEXT("issuers:\n"
               "  a: {issuer: 'https://i', jwks: 'file:/k', username: '${sub}', audience: x}\n"
               "  b: {issuer: 'https://i', jwks: 'file:/k', username: '${name}', audience: x}\n"
               "services: {s: {issuers: [a, b], allow_groups: adm}}\n",
               JWTA_CONF_INVALID,
               "error 3: issuers \"a\" (t.yaml:2) and \"b\" are the same: \"https://i\"",
               "warning 4: no role of the issuers of service \"s\" gives group \"adm\", so that "
               "allowing it lets nobody in");
}

static void test_references(void **state)
{
    static const struct test_refusal cases[] = {
        {"service", "issuers: [corp, corp]", "error 11: \"issuers\" names \"corp\" twice"},
        {"service", "allow_groups: nobody",
         "error 14: \"allow_groups\" names group \"nobody\", which does not exist on this host"},
        {"service", "allow_groups: flaky",
         "error 14: \"allow_groups\" names group \"flaky\", which cannot be looked up: the group "
         "database does not answer"},
    };

    (void)state;
    struct test_conf read = test_conf_with("service", "issuers: [crop]");
    assert_code(read.code, JWTA_CONF_INVALID);
    assert_true(
        test_conf_says(&read, "error 11: no issuer has the name \"crop\"; did you mean \"corp\"?"));
    test_conf_free(&read);
    read = test_conf_with("service", "issuers: [other, corp]");
    assert_int_equal(read.problems.count, 1);
    assert_true(test_conf_says(&read, "error 11: no issuer has the name \"other\""));
    test_conf_free(&read);
    /* The group also lets nobody in, which goes without saying but is said. */
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        read = test_conf_with(cases[i].section, cases[i].setting);
        assert_code(read.code, JWTA_CONF_INVALID);
        assert_true(test_conf_says(&read, cases[i].problem));
        assert_int_equal(read.problems.errors, 1);
        test_conf_free(&read);
    }
    read = test_conf_accepted("service", "allow_groups: [ops]");
    assert_int_equal(read.problems.count, 0);
    test_conf_free(&read);
    read = test_conf_accepted("service", "allow_groups: [ops, dba]");
    assert_true(test_conf_says(&read,
                               "warning 14: no role of the issuers of service \"sshd\" gives group "
                               "\"dba\", so that allowing it lets nobody in"));
    test_conf_free(&read);
}

static void test_roles_of_several_issuers(void **state)
{
    (void)state;
    CHECK_TEXT(
        ISSUERS(
            ISSUER("a", ", audience: x, roles: /r"),
            ISSUER(
                "b",
                ", audience: y")) "services:\n"
                                  "  s:\n"
                                  "    issuers: [a, b]\n"
                                  "    allow_roles: [a/ops, ops, c/ops, a/, b/ops, A/ops, a/x/y]\n",
        JWTA_CONF_INVALID,
        "error 7: service \"s\" has several issuers: write \"ops\" with its issuer, as in "
        "\"a/ROLE\"",
        "error 7: service \"s\" has several issuers: write \"c/ops\" with its issuer, as in "
        "\"a/ROLE\"",
        "error 7: service \"s\" has several issuers: write \"a/\" with its issuer, as in "
        "\"a/ROLE\"",
        "error 7: service \"s\" has several issuers: write \"A/ops\" with its issuer, as "
        "in \"a/ROLE\"",
        "error 7: \"allow_roles\" names \"b/ops\", but issuer \"b\" has no \"roles\" that "
        "say where in a token they stand");
    CHECK_TEXT(ISSUERS(ISSUER("a", ", audience: x, roles: /r"),
                       "") "services: {s: {issuers: a, allow_roles: [a/ops, /a/ops, ops]}}\n",
               JWTA_OK,
               "warning 3: with one issuer a role stands alone: \"a/ops\" is looked for as it is, "
               "with the name of the issuer in it");
}

static void test_roles_without_a_place(void **state)
{
    (void)state;
    CHECK_TEXT(ISSUERS(ISSUER("a", ", audience: x"),
                       "") "services:\n  s: {issuers: a, allow_roles: ops}\n",
               JWTA_CONF_INVALID,
               "error 4: \"allow_roles\" names \"ops\", but issuer \"a\" has no \"roles\" that say "
               "where in a token they stand");
    CHECK_TEXT(ISSUERS(ISSUER("a", ", audience: x, groups: {r: adm}"),
                       "") "services:\n  s: {issuers: a, allow_groups: adm}\n",
               JWTA_CONF_INVALID,
               "error 2: \"groups\" needs \"roles\", which says where in a token the roles stand");
}

static void test_audience_somewhere(void **state)
{
    (void)state;
    CHECK_TEXT(
        ISSUERS(ISSUER("a", ", roles: /r"), "") "services:\n"
                                                "  s: {issuers: a, audience: x, allow_roles: r}\n"
                                                "  t: {issuers: a, allow_roles: r}\n",
        JWTA_CONF_INVALID,
        "error 2: issuer \"a\" has no \"audience\", and neither has service \"t\"");
    struct test_conf read = test_conf_read(
        ISSUERS(ISSUER("a", ", roles: /r"), "") "services:\n"
                                                "  s: {issuers: a, audience: x, allow_roles: r}\n"
                                                "  t: {issuers: a, audience: y, allow_roles: r}\n");
    assert_code(read.code, JWTA_OK);
    assert_int_equal(read.problems.count, 0);
    test_conf_free(&read);
}

static void test_warnings(void **state)
{
    (void)state;
    CHECK_TEXT(
        ISSUERS(
            ISSUER("a", ", audience: [w, x], roles: /r"),
            ISSUER("b",
                   "")) "services:\n"
                        "  s: {issuers: a, allow_roles: r}\n"
                        "  t: {issuers: a, audience: [y, x], allow_roles: r}\n"
                        "  u: {issuers: a, audience: [z]}\n"
                        "  v: {issuers: a, audience: [z, y], allow_roles: r, set_groups: yes}\n",
        JWTA_OK, "warning 3: no service uses issuer \"b\"",
        "warning 6: services \"s\" and \"t\" share the audience \"x\": a token for one "
        "opens the other",
        "warning 7: service \"u\" has neither \"allow_roles\" nor \"allow_groups\": every "
        "user with a valid token may log in",
        "warning 8: services \"t\" and \"v\" share the audience \"y\": a token for one "
        "opens the other",
        "warning 8: \"set_groups\" has no effect yet: this version does not act on it");
    /* The same word of two issuers is two audiences. */
    CHECK_TEXT(
        ISSUERS(ISSUER("a", ", audience: x, roles: /r, email_domain: e.org"),
                ISSUER("b", ", audience: x, roles: /r")) "services:\n"
                                                         "  s: {issuers: a, allow_roles: r}\n"
                                                         "  t: {issuers: b, allow_roles: r}\n",
        JWTA_OK, "warning 2: \"email_domain\" has no effect: \"username\" does not use |localpart");
    CHECK_TEXT("", JWTA_OK, "warning 0: no service is configured: every login is denied");
}

/* sudo asks again in a session that a login has opened: that login is required unless said. */
static void test_grant_of_sudo(void **state)
{
    (void)state;
    struct test_conf read = test_conf_read(
        ISSUERS(ISSUER("a", ", roles: /r"),
                "") "services:\n"
                    "  sudo: {issuers: a, audience: x, allow_roles: r}\n"
                    "  sudo-i: {issuers: a, audience: y, allow_roles: r}\n"
                    "  su: {issuers: a, audience: z, allow_roles: r, grant: required}\n");
    assert_code(read.code, JWTA_OK);
    assert_int_equal(jwta_conf_service(read.conf, "sudo")->grant.need, JWTA_GRANT_REQUIRED);
    assert_null(jwta_conf_service(read.conf, "sudo")->grant.where.file);
    assert_int_equal(jwta_conf_service(read.conf, "sudo-i")->grant.need, JWTA_GRANT_REQUIRED);
    assert_int_equal(jwta_conf_service(read.conf, "su")->grant.need, JWTA_GRANT_REQUIRED);
    test_conf_free(&read);
}

static bool no_name(const struct jwta_host *host, char *name, size_t size)
{
    (void)host;
    (void)name;
    (void)size;
    return false;
}

/* A host without a name matters only to whoever asks for it. */
static void test_nameless_host(void **state)
{
    static const char text[] = "issuers:\n" ISSUER(
        "a", ", roles: /r") "services:\n"
                            "  s: {issuers: a, audience: 'x-%s', allow_roles: r}\n%s";
    static const struct {
        const char *letter;
        const char *more;
        enum jwta_code code;
    } cases[] = {
        {"%h", "", JWTA_CONF_INVALID}, {"%h", "host_name: lab\n", JWTA_OK}, {"%%", "", JWTA_OK}};
    struct jwta_host host = test_conf_host;

    (void)state;
    host.name = no_name;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct test_conf read = {0};
        struct jwta_node *root = NULL;
        unsigned line = 0;
        char written[512];
        snprintf(written, sizeof(written), text, cases[i].letter, cases[i].more);
        assert_code(jwta_yaml_parse(jwta_span_of(written), &root, &line, NULL), JWTA_OK);
        read.code = jwta_conf_from_tree(root, TEST_CONF_FILE, &host, &read.conf, &read.problems);
        jwta_node_free(&root);
        assert_code(read.code, cases[i].code);
        if (read.code != JWTA_OK)
            assert_true(
                test_conf_says(&read, "error 4: this host has no name for %h; set \"host_name\""));
        test_conf_free(&read);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base_is_right),
        cmocka_unit_test(test_required),
        cmocka_unit_test(test_issuer_urls),
        cmocka_unit_test(test_issuer_urls_refused),
        cmocka_unit_test(test_secrets),
        cmocka_unit_test(test_same_issuer_twice),
        cmocka_unit_test(test_references),
        cmocka_unit_test(test_roles_of_several_issuers),
        cmocka_unit_test(test_roles_without_a_place),
        cmocka_unit_test(test_audience_somewhere),
        cmocka_unit_test(test_warnings),
        cmocka_unit_test(test_grant_of_sudo),
        cmocka_unit_test(test_nameless_host),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
