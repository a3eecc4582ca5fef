/* SPDX-License-Identifier: BSD-2-Clause */
/* The policy by itself; what it decides for whole configurations is in tests/policy. */
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
                                    "    roles: [/roles, /more/roles]\n"
                                    "    groups:\n"
                                    "      ops: [adm, ops]\n"
                                    "      dba: [dba, adm]\n"
                                    "      idle: adm\n"
                                    "  mail:\n"
                                    "    issuer: https://mail.example\n"
                                    "    jwks: file:/nowhere/keys.json\n"
                                    "    audience: a\n"
                                    "    username: ${email|localpart}\n"
                                    "    email_domain: corp.example\n"
                                    "    username_match: ^u-([a-z]+)(-x)?$\n"
                                    "  joined:\n"
                                    "    issuer: https://joined.example\n"
                                    "    jwks: file:/nowhere/keys.json\n"
                                    "    audience: a\n"
                                    "    username: ${/a}-${/b}\n"
                                    "services:\n"
                                    "  open: {issuers: [corp]}\n"
                                    "  roles: {issuers: [corp], allow_roles: [ops, dba]}\n"
                                    "  groups: {issuers: [corp], allow_groups: [dba]}\n"
                                    "  both:\n"
                                    "    issuers: [corp]\n"
                                    "    allow_roles: [boss]\n"
                                    "    allow_groups: [ops]\n"
                                    "  system: {issuers: [corp], system_users: [postgres, root]}\n"
                                    "  mail: {issuers: [mail]}\n"
                                    "  joined: {issuers: [joined]}\n"
                                    "  two: {issuers: [corp, mail], allow_roles: [corp/ops]}\n";

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

/* Decides about a payload; the payload stays with the caller, for the decision borrows from it. */
static enum jwta_code decide(const char *issuer, const char *service, const json_t *payload,
                             const char *requested, struct jwta_decision *out)
{
    const struct jwta_policy_request request = {.user = requested, .host = &test_host};
    struct jwta_why why = {0};
    enum jwta_code code =
        jwta_policy_decide(conf, test_issuer(conf, issuer), jwta_conf_service(conf, service),
                           payload, &request, out, &why);

    if (code != JWTA_OK) {
        assert_code(why.code, code);
        assert_true(strlen(why.text) > 0);
    }
    return code;
}

static json_t *parsed(const char *text)
{
    json_t *root = json_loads(text, 0, NULL);

    if (root == NULL)
        fail_msg("not JSON: %s", text);
    return root;
}

struct row {
    const char *service;
    const char *payload;
    const char *requested;
    enum jwta_code code;
    unsigned line; /* of the rule */
};

static void check_rows(const char *issuer, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        json_t *payload = parsed(rows[i].payload);
        struct jwta_decision decision;
        enum jwta_code code =
            decide(issuer, rows[i].service, payload, rows[i].requested, &decision);

        if (code != rows[i].code || decision.rule.line != rows[i].line)
            fail_msg("%s %s: %s by line %u, expected %s by line %u", rows[i].service,
                     rows[i].payload, jwta_code_name(code), decision.rule.line,
                     jwta_code_name(rows[i].code), rows[i].line);
        jwta_decision_free(&decision);
        json_decref(payload);
    }
}

/* Only uid 0 is a system user by number here, and root is no one of this host. */
static const char edges[] = "min_uid: 1\n"
                            "issuers:\n"
                            "  corp:\n"
                            "    issuer: https://idp.example\n"
                            "    jwks: file:/nowhere/keys.json\n"
                            "    audience: a\n"
                            "    username: ${name}\n"
                            "    roles: [/roles]\n"
                            "  corpse:\n"
                            "    issuer: https://corpse.example\n"
                            "    jwks: file:/nowhere/keys.json\n"
                            "    audience: a\n"
                            "    username: ${name}\n"
                            "    roles: [/roles]\n"
                            "services:\n"
                            "  sshd:\n"
                            "    issuers: [corp, corpse]\n"
                            "    allow_roles: [corpse/ops]\n";

static enum jwta_found no_root(const struct jwta_host *host, const char *name, uid_t *uid)
{
    if (strcmp(name, "root") == 0)
        return JWTA_NOT_FOUND;
    return test_host.user(host, name, uid);
}

static void test_edges(void **state)
{
    static const struct {
        const char *issuer;
        const char *payload;
        enum jwta_code code;
    } rows[] = {
        {"corpse", "{\"name\":\"daemon\",\"roles\":[\"ops\"]}", JWTA_OK},
        {"corpse", "{\"name\":\"toor\",\"roles\":[\"ops\"]}", JWTA_USER_SYSTEM},
        {"corpse", "{\"name\":\"root\",\"roles\":[\"ops\"]}", JWTA_USER_SYSTEM},
        /* An issuer whose name begins like another's has none of its rules. */
        {"corp", "{\"name\":\"alice\",\"roles\":[\"ops\",\"/ops\",\"e/ops\",\"se/ops\"]}",
         JWTA_NOT_ALLOWED},
    };
    struct jwta_conf *other = test_conf(edges);
    struct jwta_host host = test_host;
    const struct jwta_policy_request request = {.host = &host};

    (void)state;
    host.user = no_root;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        json_t *payload = parsed(rows[i].payload);
        struct jwta_decision decision;

        assert_code(jwta_policy_decide(other, test_issuer(other, rows[i].issuer),
                                       jwta_conf_service(other, "sshd"), payload, &request,
                                       &decision, NULL),
                    rows[i].code);
        jwta_decision_free(&decision);
        json_decref(payload);
    }
    jwta_conf_free(&other);
}

static void test_users(void **state)
{
    static const struct row rows[] = {
        {"open", "{\"name\":\"alice\"}", "alice", JWTA_OK, 25},
        {"open", "{\"name\":\"alice\"}", NULL, JWTA_OK, 25},
        {"open", "{\"name\":\"nobody-here\"}", NULL, JWTA_OK, 25},
        {"open", "{\"name\":\"Carol\"}", "Carol", JWTA_OK, 25},
        {"open", "{\"name\":\"a.b_c-d\"}", NULL, JWTA_OK, 25},
        {"open", "{\"name\":\"a.b_c+d-e@f\"}", NULL, JWTA_USER_INVALID, 6},
        {"open", "{\"name\":\"_apt\"}", NULL, JWTA_OK, 25},
        {"open", "{\"name\":\"alice\"}", "", JWTA_USER_MISMATCH, 6},
        {"open", "{\"name\":\"alice\"}", "alic", JWTA_USER_MISMATCH, 6},
        {"open", "{\"name\":\"alice\"}", "alicee", JWTA_USER_MISMATCH, 6},
        {"open", "{\"name\":\"carol\"}", "Carol", JWTA_USER_MISMATCH, 6},
        {"open", "{}", "alice", JWTA_USER_CLAIM, 6},
        {"open", "{\"name\":\"\"}", "", JWTA_USER_CLAIM, 6},
        {"open", "{\"name\":null}", "alice", JWTA_CLAIM_TYPE, 6},
        {"open", "{\"name\":[\"alice\"]}", "alice", JWTA_CLAIM_TYPE, 6},
        {"open", "{\"name\":1000}", "1000", JWTA_CLAIM_TYPE, 6},
        {"open", "{\"name\":\"1000\"}", "1000", JWTA_USER_INVALID, 6},
        {"open", "{\"name\":\"0\"}", "0", JWTA_USER_INVALID, 6},
        {"open", "{\"name\":\"-a\"}", "-a", JWTA_USER_INVALID, 6},
        {"open", "{\"name\":\".a\"}", ".a", JWTA_USER_INVALID, 6},
        {"open", "{\"name\":\"+a\"}", "+a", JWTA_USER_INVALID, 6},
        {"open", "{\"name\":\"@a\"}", "@a", JWTA_USER_INVALID, 6},
        {"open", "{\"name\":\"a b\"}", "a b", JWTA_USER_INVALID, 6},
        {"open", "{\"name\":\"a:b\"}", "a:b", JWTA_USER_INVALID, 6},
        {"open", "{\"name\":\"a/b\"}", "a/b", JWTA_USER_INVALID, 6},
        {"open", "{\"name\":\"a\\\\b\"}", "a\\b", JWTA_USER_INVALID, 6},
        {"open", "{\"name\":\"a,b\"}", "a,b", JWTA_USER_INVALID, 6},
        {"open", "{\"name\":\"a\\nb\"}", "a\nb", JWTA_USER_INVALID, 6},
        {"open", "{\"name\":\"alice\\n\"}", "alice\n", JWTA_USER_INVALID, 6},
        {"open", "{\"name\":\"a%b\"}", "a%b", JWTA_USER_INVALID, 6},
        {"open", "{\"name\":\"$(id)\"}", "$(id)", JWTA_USER_INVALID, 6},
        {"open", "{\"name\":\"\xc3\xa9\"}", "\xc3\xa9", JWTA_USER_INVALID, 6},
    };

    (void)state;
    check_rows("corp", rows, COUNT_OF(rows));
}

static void test_name_length(void **state)
{
    (void)state;
    for (int len = JWTA_USER_MAX - 2; len <= JWTA_USER_MAX + 1; len++) {
        char *name = test_format("%0*d", len - 1, 7);
        char *whole = test_format("a%s", name);
        json_t *payload = json_pack("{s:s}", "name", whole);
        struct jwta_decision decision;

        assert_code(decide("corp", "open", payload, whole, &decision),
                    len < JWTA_USER_MAX ? JWTA_OK : JWTA_USER_INVALID);
        assert_string_equal(decision.user, len < JWTA_USER_MAX ? whole : "");
        jwta_decision_free(&decision);
        json_decref(payload);
        free(whole);
        free(name);
    }
}

static void test_system_users(void **state)
{
    static const struct row rows[] = {
        {"open", "{\"name\":\"root\"}", "root", JWTA_USER_SYSTEM, 0},
        {"open", "{\"name\":\"toor\"}", "toor", JWTA_USER_SYSTEM, 0},
        {"open", "{\"name\":\"daemon\"}", "daemon", JWTA_USER_SYSTEM, 0},
        {"open", "{\"name\":\"postgres\"}", "postgres", JWTA_USER_SYSTEM, 0},
        {"open", "{\"name\":\"flaky\"}", "flaky", JWTA_USER_UNAVAILABLE, 0},
        {"system", "{\"name\":\"postgres\"}", "postgres", JWTA_OK, 32},
        {"system", "{\"name\":\"root\"}", "root", JWTA_OK, 32},
        {"system", "{\"name\":\"toor\"}", "toor", JWTA_USER_SYSTEM, 0},
        {"open", "{\"name\":\"noone\"}", "noone", JWTA_USER_SYSTEM, 0},
        {"system", "{\"name\":\"flaky\"}", "flaky", JWTA_USER_UNAVAILABLE, 0},
    };

    (void)state;
    check_rows("corp", rows, COUNT_OF(rows));
}

static void test_addresses(void **state)
{
    static const char verified[] = "\"email_verified\":true";
    static const struct {
        const char *email;
        const char *user; /* NULL: refused */
        enum jwta_code code;
    } rows[] = {
        {"\"u-alice@corp.example\"", "alice", JWTA_OK},
        {"\"u-alice-x@corp.example\"", "alice", JWTA_OK},
        {"\"alice@corp.example\"", NULL, JWTA_USER_MATCH},
        {"\"u-alice-y@corp.example\"", NULL, JWTA_USER_MATCH},
        {"\"u-@corp.example\"", NULL, JWTA_USER_MATCH},
        {"\"u-ALICE@corp.example\"", NULL, JWTA_USER_MATCH},
        {"\"u-alice\\nx@corp.example\"", NULL, JWTA_USER_MATCH},
        {"\"x\\nu-alice@corp.example\"", NULL, JWTA_USER_MATCH},
        {"\"u-alice@corp.example \"", NULL, JWTA_EMAIL_DOMAIN},
        {"\"u-alice@CORP.example\"", NULL, JWTA_EMAIL_DOMAIN},
        {"\"u-alice@corp.example.evil\"", NULL, JWTA_EMAIL_DOMAIN},
        {"\"u-alice@evil@corp.example\"", NULL, JWTA_EMAIL_DOMAIN},
        {"\"u-alice@corp.example@evil\"", NULL, JWTA_EMAIL_DOMAIN},
        {"\"u-alice\"", NULL, JWTA_EMAIL_DOMAIN},
        {"\"@corp.example\"", NULL, JWTA_EMAIL_DOMAIN},
        {"\"\"", NULL, JWTA_USER_CLAIM},
        {"7", NULL, JWTA_CLAIM_TYPE},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char *text = test_format("{\"email\":%s,%s}", rows[i].email, verified);
        json_t *payload = parsed(text);
        struct jwta_decision decision;

        assert_code(decide("mail", "mail", payload, NULL, &decision), rows[i].code);
        assert_string_equal(decision.user, rows[i].user != NULL ? rows[i].user : "");
        jwta_decision_free(&decision);
        json_decref(payload);
        free(text);
    }
}

static void test_unverified(void **state)
{
    static const char *const values[] = {"false", "\"true\"", "1", "null", "[true]", "{}"};

    (void)state;
    for (size_t i = 0; i <= COUNT_OF(values); i++) {
        char *text = i < COUNT_OF(values)
                         ? test_format("{\"email\":\"u-alice@corp.example\",\"email_verified\":%s}",
                                       values[i])
                         : test_format("{\"email\":\"u-alice@corp.example\"}");
        json_t *payload = parsed(text);
        struct jwta_decision decision;

        assert_code(decide("mail", "mail", payload, "alice", &decision), JWTA_EMAIL_UNVERIFIED);
        assert_string_equal(decision.user, "");
        jwta_decision_free(&decision);
        json_decref(payload);
        free(text);
    }
}

/* Two claims: neither may be absent, and one is no part of the other. */
static void test_joined(void **state)
{
    static const struct row rows[] = {
        {"joined", "{\"a\":\"x\",\"b\":\"y\"}", "x-y", JWTA_OK, 34},
        {"joined", "{\"a\":\"x\"}", "x-", JWTA_USER_CLAIM, 23},
        {"joined", "{\"b\":\"y\"}", "-y", JWTA_USER_CLAIM, 23},
        {"joined", "{\"a\":\"\",\"b\":\"y\"}", "-y", JWTA_USER_CLAIM, 23},
    };

    (void)state;
    check_rows("joined", rows, COUNT_OF(rows));
}

static void test_gate(void **state)
{
    static const struct row rows[] = {
        {"roles", "{\"name\":\"bob\",\"roles\":[\"ops\"]}", "bob", JWTA_OK, 26},
        {"roles", "{\"name\":\"bob\",\"roles\":\"x dba y\"}", "bob", JWTA_OK, 26},
        {"roles", "{\"name\":\"bob\",\"more\":{\"roles\":[\"dba\"]}}", "bob", JWTA_OK, 26},
        {"roles", "{\"name\":\"bob\"}", "bob", JWTA_NOT_ALLOWED, 26},
        {"roles", "{\"name\":\"bob\",\"roles\":[]}", "bob", JWTA_NOT_ALLOWED, 26},
        {"roles", "{\"name\":\"bob\",\"roles\":[\"\"]}", "bob", JWTA_NOT_ALLOWED, 26},
        {"roles", "{\"name\":\"bob\",\"roles\":[\"OPS\",\"op\",\"opss\",\"ops dba\"]}", "bob",
         JWTA_NOT_ALLOWED, 26},
        {"roles", "{\"name\":\"bob\",\"roles\":[\"idle\"]}", "bob", JWTA_NOT_ALLOWED, 26},
        {"roles", "{\"name\":\"bob\",\"roles\":[\"corp/ops\"]}", "bob", JWTA_NOT_ALLOWED, 26},
        {"groups", "{\"name\":\"bob\",\"roles\":[\"dba\"]}", "bob", JWTA_OK, 27},
        {"groups", "{\"name\":\"bob\",\"roles\":[\"ops\"]}", "bob", JWTA_NOT_ALLOWED, 27},
        {"both", "{\"name\":\"bob\",\"roles\":[\"boss\"]}", "bob", JWTA_OK, 30},
        {"both", "{\"name\":\"bob\",\"roles\":[\"ops\"]}", "bob", JWTA_OK, 31},
        {"both", "{\"name\":\"bob\",\"roles\":[\"dba\"]}", "bob", JWTA_NOT_ALLOWED, 30},
        {"two", "{\"name\":\"bob\",\"roles\":[\"ops\"]}", "bob", JWTA_OK, 35},
        {"two", "{\"name\":\"bob\",\"roles\":[\"corp/ops\"]}", "bob", JWTA_NOT_ALLOWED, 35},
        {"open", "{\"name\":\"bob\",\"roles\":7}", "bob", JWTA_CLAIM_TYPE, 7},
        {"open", "{\"name\":\"bob\",\"roles\":[\"ops\",null]}", "bob", JWTA_CLAIM_TYPE, 7},
        {"open", "{\"name\":\"bob\",\"more\":{\"roles\":{}}}", "bob", JWTA_CLAIM_TYPE, 7},
    };

    (void)state;
    check_rows("corp", rows, COUNT_OF(rows));
}

/* Roles are listed once each, in the order of the token; groups come from the table alone, once
 * each. */
static void test_lists(void **state)
{
    static const char *const roles[] = {"ops", "x", "root", "", "dba", "idle"};
    json_t *payload = parsed("{\"name\":\"alice\",\"roles\":[\"ops\",\"x\",\"root\",\"ops\",\"\"],"
                             "\"more\":{\"roles\":\"dba  idle dba\"}}");
    struct jwta_decision decision;
    unsigned seen = 0;

    (void)state;
    assert_code(decide("corp", "roles", payload, "alice", &decision), JWTA_OK);
    assert_string_equal(decision.user, "alice");
    assert_true(decision.account);
    assert_int_equal(decision.role_count, COUNT_OF(roles));
    for (size_t i = 0; i < COUNT_OF(roles); i++)
        assert_true(jwta_span_is(decision.role[i], roles[i]));
    assert_int_equal(decision.group_count, 3);
    for (size_t i = 0; i < decision.group_count; i++) {
        const char *name = decision.group[i]->name;

        seen |= strcmp(name, "adm") == 0 ? 1 : strcmp(name, "ops") == 0 ? 2 : 4;
    }
    assert_int_equal(seen, 7);
    jwta_decision_free(&decision);
    assert_null(decision.role);
    assert_null(decision.group);
    jwta_decision_free(&decision);
    json_decref(payload);
}

/* As many roles as a token holds, and the one that counts is the last. */
static void test_many_roles(void **state)
{
    json_t *roles = json_array();
    json_t *payload = NULL;
    struct jwta_decision decision;

    (void)state;
    for (int i = 0; i < 4000; i++)
        assert_int_equal(json_array_append_new(roles, json_sprintf("r%d", 4000 - i)), 0);
    payload = json_pack("{s:s, s:o}", "name", "alice", "roles", roles);
    assert_code(decide("corp", "roles", payload, "alice", &decision), JWTA_NOT_ALLOWED);
    assert_int_equal(decision.role_count, 4000);
    jwta_decision_free(&decision);
    assert_int_equal(json_array_append_new(roles, json_string("ops")), 0);
    assert_code(decide("corp", "roles", payload, "alice", &decision), JWTA_OK);
    assert_int_equal(decision.role_count, 4001);
    jwta_decision_free(&decision);
    json_decref(payload);
}

/* Whether a local user has the name is said, and decides nothing by itself. */
static void test_account(void **state)
{
    json_t *payload = parsed("{\"name\":\"ghost\"}");
    struct jwta_decision decision;

    (void)state;
    assert_code(decide("corp", "open", payload, "ghost", &decision), JWTA_OK);
    assert_false(decision.account);
    jwta_decision_free(&decision);
    json_decref(payload);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_users),       cmocka_unit_test(test_edges),
        cmocka_unit_test(test_name_length), cmocka_unit_test(test_system_users),
        cmocka_unit_test(test_addresses),   cmocka_unit_test(test_unverified),
        cmocka_unit_test(test_joined),      cmocka_unit_test(test_gate),
        cmocka_unit_test(test_lists),       cmocka_unit_test(test_many_roles),
        cmocka_unit_test(test_account),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
