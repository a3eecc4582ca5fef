/* SPDX-License-Identifier: BSD-2-Clause */
/* Whom a token's user may act as, and under which name; whole decisions are in tests/policy. */
#include "common/policy.h"
#include "tests/unit/check.h"
#include "tests/unit/site.h"
#include "tests/unit/token.h"

#include <stdlib.h>
#include <string.h>

static const char configuration[] = "issuers:\n"
                                    "  corp:\n"
                                    "    issuer: https://idp.example\n"
                                    "    jwks: file:/nowhere/keys.json\n"
                                    "    audience: a\n"
                                    "    username: ${/name}\n"
                                    "    roles: [/roles]\n"
                                    "    groups: {ops: adm, dba: dba}\n"
                                    "services:\n"
                                    "  plain: {issuers: corp}\n"
                                    "  proxy: {issuers: corp, proxy_roles: [boss, deputy]}\n"
                                    "  listed:\n"
                                    "    issuers: corp\n"
                                    "    proxy_roles: boss\n"
                                    "    system_users: [postgres, cyrus, \"u:daemon\"]\n"
                                    "  named:\n"
                                    "    issuers: corp\n"
                                    "    proxy_roles: boss\n"
                                    "    names:\n"
                                    "      dba: \"{user}@{group}\"\n"
                                    "      adm: \"x-{user}.y\"\n"
                                    "  close: {issuers: corp, names: {adm: \"{user}gres\"}}\n"
                                    "  same: {issuers: corp, names: {adm: \"{user}\"}}\n";

static struct jwta_conf *conf;

static int setup(void **state)
{
    (void)state;
    conf = test_conf(configuration);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    jwta_conf_free(&conf);
    return 0;
}

struct row {
    const char *service;
    const char *user;
    const char *roles;
    const char *authzid;
    enum jwta_code code;
    const char *name; /* for the server */
    bool proxied;
    unsigned line; /* of the rule; 0 for a default */
};

static void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char *text = test_format("{\"name\":\"%s\",\"roles\":\"%s\"}", rows[i].user, rows[i].roles);
        json_t *payload = json_loads(text, 0, NULL);
        const struct jwta_policy_request request = {.authzid = rows[i].authzid, .host = &test_host};
        struct jwta_decision decision;
        struct jwta_why why = {0};
        enum jwta_code code = jwta_policy_decide(conf, test_issuer(conf, "corp"),
                                                 jwta_conf_service(conf, rows[i].service), payload,
                                                 &request, &decision, &why);

        if (code != rows[i].code || decision.rule.line != rows[i].line ||
            decision.proxied != rows[i].proxied || strcmp(decision.name, rows[i].name) != 0)
            fail_msg("row %zu: %s (%s) by line %u, as %s%s", i, jwta_code_name(code), why.text,
                     decision.rule.line, decision.name, decision.proxied ? ", proxied" : "");
        if (code != JWTA_OK)
            assert_code(why.code, code);
        jwta_decision_free(&decision);
        json_decref(payload);
        free(text);
    }
}

static void test_proxy(void **state)
{
    static const struct row rows[] = {
        {"plain", "alice", "boss", NULL, JWTA_OK, "alice", false, 10},
        {"plain", "alice", "boss", "alice", JWTA_OK, "alice", false, 10},
        {"plain", "alice", "boss", "u:alice", JWTA_OK, "alice", false, 10},
        {"plain", "alice", "boss", "u:bob", JWTA_PROXY, "alice", false, 10},
        {"plain", "alice", "boss", "u:", JWTA_USER_INVALID, "alice", false, 10},
        {"plain", "alice", "boss", "U:alice", JWTA_USER_INVALID, "alice", false, 10},
        {"plain", "alice", "boss", "bob", JWTA_PROXY, "alice", false, 10},
        {"proxy", "alice", "boss", "bob", JWTA_OK, "alice", true, 11},
        {"proxy", "alice", "x deputy", "bob", JWTA_OK, "alice", true, 11},
        {"proxy", "alice", "", "bob", JWTA_PROXY, "alice", false, 11},
        {"proxy", "alice", "bos", "bob", JWTA_PROXY, "alice", false, 11},
        {"proxy", "alice", "bosses", "bob", JWTA_PROXY, "alice", false, 11},
        {"proxy", "alice", "boss", "Alice", JWTA_OK, "alice", true, 11},
        {"proxy", "alice", "boss", "", JWTA_USER_INVALID, "alice", false, 11},
        {"proxy", "alice", "boss", "b\nb", JWTA_USER_INVALID, "alice", false, 11},
        {"proxy", "alice", "boss", "b\xc3", JWTA_USER_INVALID, "alice", false, 11},
        {"proxy", "alice", "boss", "J\xc3\xbcrgen", JWTA_USER_INVALID, "alice", false, 11},
        /* A user database that does not answer cannot say that this is no system user. */
        {"proxy", "alice", "boss", "flaky", JWTA_USER_UNAVAILABLE, "alice", false, 0},
        {"proxy", "alice", "", "flaky", JWTA_PROXY, "alice", false, 11},
    };

    (void)state;
    check_rows(rows, COUNT_OF(rows));
}

/* What libsasl, slapd or imapd would take for another name than was judged. */
static void test_authzid(void **state)
{
    static const char *const names[] = {
        " bob",
        "bob ",
        "bob\t",
        " ",
        "   ",
        "u: bob",
        "u:bob ",
        "u: ",
        "u:u:bob",
        "U:bob",
        "u:U:bob",
        "dn:uid=bob",
        "DN:uid=bob",
        "u:dn:x=y",
        "dn:",
        "group:adm",
        "bob%x.test",
        "cyrus%x",
        "bob,x",
        "bob=x",
        "bob/x",
        "bob!x",
        "bob\xc2\xa0",
        "\xe2\x80\x8b"
        "bob",
        "\xef\xbd\x82ob",
        "bob\xef\xbc\xa0"
        "dba",
        "@dba",
        "+x",
        "-bob",
        ".bob",
        "1001",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        const struct row row = {"proxy",           "alice", "boss", names[i],
                                JWTA_USER_INVALID, "alice", false,  11};

        check_rows(&row, 1);
    }
}

/* What a server may make of a name. */
static void test_special(void **state)
{
    static const char *const special[] = {
        "",        "root",   "Cyrus",   "cyrus@x.example", "CYRUS%x",   "anyone+x",
        "group:x", "GROUP:", "bob@dba", "x-bob.y",         "bob@DBA@x", "X-bob.y+z",
    };
    static const char *const plain[] = {"bob", "cyrus2", "groups", "bob@dbas", "bob@x.example"};
    const struct jwta_service *service = jwta_conf_service(conf, "named");

    (void)state;
    for (size_t i = 0; i < COUNT_OF(special); i++)
        assert_true(jwta_name_special(service, special[i]));
    for (size_t i = 0; i < COUNT_OF(plain); i++)
        assert_false(jwta_name_special(service, plain[i]));
}

static void test_system_users(void **state)
{
    static const struct row rows[] = {
        {"proxy", "alice", "boss", "postgres", JWTA_USER_SYSTEM, "alice", false, 0},
        {"proxy", "alice", "boss", "root", JWTA_USER_SYSTEM, "alice", false, 0},
        {"proxy", "alice", "boss", "ROOT", JWTA_USER_SYSTEM, "alice", false, 0},
        {"proxy", "alice", "boss", "u:daemon", JWTA_USER_SYSTEM, "alice", false, 0},
        {"proxy", "alice", "boss", "anyone", JWTA_USER_SYSTEM, "alice", false, 0},
        {"proxy", "alice", "boss", "cyrus@x.example", JWTA_USER_SYSTEM, "alice", false, 0},
        {"listed", "alice", "boss", "postgres", JWTA_OK, "alice", true, 14},
        {"listed", "alice", "boss", "cyrus", JWTA_OK, "alice", true, 14},
        {"listed", "alice", "boss", "Cyrus", JWTA_USER_SYSTEM, "alice", false, 0},
        {"listed", "alice", "boss", "cyrus@x.example", JWTA_USER_SYSTEM, "alice", false, 0},
        {"listed", "alice", "boss", "daemon", JWTA_USER_SYSTEM, "alice", false, 0},
        {"listed", "cyrus", "", NULL, JWTA_OK, "cyrus", false, 12},
        {"plain", "cyrus", "", NULL, JWTA_USER_SYSTEM, "cyrus", false, 0},
        {"plain", "Anonymous", "", NULL, JWTA_USER_SYSTEM, "Anonymous", false, 0},
        {"plain", "anyone+x", "", NULL, JWTA_USER_SYSTEM, "anyone+x", false, 0},
        {"plain", "roots", "", NULL, JWTA_OK, "roots", false, 10},
        {"proxy", "alice", "boss", "daemon@x.example", JWTA_USER_SYSTEM, "alice", false, 0},
        {"proxy", "alice", "boss", "Daemon", JWTA_USER_SYSTEM, "alice", false, 0},
        {"proxy", "alice", "boss", "postgres+x", JWTA_USER_SYSTEM, "alice", false, 0},
        {"proxy", "alice", "boss", "flaky@x.example", JWTA_USER_UNAVAILABLE, "alice", false, 0},
        {"proxy", "alice", "boss", "bob@x.example", JWTA_OK, "alice", true, 11},
        {"plain", "Daemon", "", NULL, JWTA_USER_SYSTEM, "Daemon", false, 0},
        /* Two users of one name to a server that cuts it. */
        {"plain", "alice@x.example", "", NULL, JWTA_USER_INVALID, "alice@x.example", false, 6},
        {"plain", "alice+", "", NULL, JWTA_USER_INVALID, "alice+", false, 6},
    };

    (void)state;
    check_rows(rows, COUNT_OF(rows));
}

static void test_names(void **state)
{
    static const struct row rows[] = {
        {"named", "alice", "", NULL, JWTA_OK, "alice", false, 16},
        {"named", "alice", "ops", NULL, JWTA_OK, "x-alice.y", false, 16},
        {"named", "alice", "ops dba", NULL, JWTA_OK, "alice@dba", false, 16},
        {"named", "alice", "ops", "x-alice.y", JWTA_OK, "x-alice.y", false, 16},
        {"named", "alice", "ops", "alice", JWTA_OK, "x-alice.y", false, 16},
        {"named", "alice", "ops", "u:x-alice.y", JWTA_OK, "x-alice.y", false, 16},
        {"named", "alice", "boss", "u:x-bob.y", JWTA_USER_INVALID, "alice", false, 21},
        {"named", "alice", "ops", "x-alice.Y", JWTA_PROXY, "x-alice.y", false, 18},
        {"named", "alice", "ops", "alice@dba", JWTA_PROXY, "x-alice.y", false, 18},
        {"named", "alice", "boss", "bob", JWTA_OK, "alice", true, 18},
        {"named", "alice", "boss", "bob@DBA", JWTA_USER_INVALID, "alice", false, 20},
        {"named", "alice", "boss", "X-bob.y", JWTA_USER_INVALID, "alice", false, 21},
        {"named", "alice", "boss", "bob@dba@x.example", JWTA_USER_INVALID, "alice", false, 20},
        {"named", "alice", "boss", "bob@dba+x", JWTA_USER_INVALID, "alice", false, 20},
        {"named", "alice", "boss", "x-bob.y@x.example", JWTA_USER_INVALID, "alice", false, 21},
        {"named", "alice", "boss", "bob@dbas", JWTA_OK, "alice", true, 18},
        {"named", "bob@dba", "", NULL, JWTA_USER_INVALID, "bob@dba", false, 6},
        {"named", "x-bob.y", "dba", NULL, JWTA_USER_INVALID, "x-bob.y", false, 21},
        /* Nor what is made of no user: it would be that of another template with this one. */
        {"named", "x-.y", "dba", NULL, JWTA_USER_INVALID, "x-.y", false, 21},
        {"named", "x-bob", "", NULL, JWTA_OK, "x-bob", false, 16},
        {"close", "post", "ops", NULL, JWTA_USER_SYSTEM, "post", false, 0},
        {"close", "post", "", NULL, JWTA_OK, "post", false, 22},
        {"same", "alice", "ops", NULL, JWTA_OK, "alice", false, 23},
    };

    (void)state;
    check_rows(rows, COUNT_OF(rows));
}

/* 255 bytes are the most, for a name as for an authzid. */
static void test_lengths(void **state)
{
    char user[300] = "";
    char name[300] = "";
    struct row row = {"named", user, "dba", NULL, JWTA_OK, name, false, 16};

    (void)state;
    memset(user, 'a', 255 - 4);
    memcpy(name, user, sizeof(name));
    memcpy(name + 255 - 4, "@dba", 4);
    check_rows(&row, 1);
    user[255 - 4] = 'a';
    row.code = JWTA_USER_INVALID;
    row.name = user;
    row.line = 20;
    check_rows(&row, 1);

    memset(name, 0, sizeof(name));
    memset(name, 'b', 255);
    row = (struct row){"proxy", "alice", "boss", name, JWTA_OK, "alice", true, 11};
    check_rows(&row, 1);
    name[255] = 'b';
    row.code = JWTA_USER_INVALID;
    row.proxied = false;
    check_rows(&row, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_proxy),   cmocka_unit_test(test_authzid),
        cmocka_unit_test(test_special), cmocka_unit_test(test_system_users),
        cmocka_unit_test(test_names),   cmocka_unit_test(test_lengths),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
