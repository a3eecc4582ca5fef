/* SPDX-License-Identifier: BSD-2-Clause */
/* What the one call says of the user: as whom, under which name, and whether the token was good. */
#include "common/auth.h"
#include "tests/unit/check.h"
#include "tests/unit/site.h"
#include "tests/unit/token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOW INT64_C(2000000000)
#define HEADER "{\"alg\":\"HS256\",\"kid\":\"k1\"}"

static struct test_key *key;
static char *folder;
static char *conf_text;
static char line[2048];

static void keep(void *context, enum jwta_level level, const char *text)
{
    (void)context;
    (void)level;
    assert_true((size_t)snprintf(line, sizeof(line), "%s", text) < sizeof(line));
}

static const struct jwta_log log_line = {.write = keep};

static int setup(void **state)
{
    char *jwks = NULL;
    char *path = NULL;

    (void)state;
    key = test_key_new("HS256");
    folder = test_folder();
    jwks = test_key_jwks(key, "k1", NULL);
    path = test_write(folder, "keys.json", jwks, 0600);
    conf_text = test_format("issuers:\n"
                            "  corp:\n"
                            "    issuer: https://idp.example\n"
                            "    jwks: file:%s\n"
                            "    audience: login\n"
                            "    algorithms: [HS256]\n"
                            "    username: ${name}\n"
                            "    roles: [/roles]\n"
                            "    groups: {ops: adm}\n"
                            "services:\n"
                            "  imap:\n"
                            "    issuers: [corp]\n"
                            "    scope: mail\n"
                            "    allow_roles: [staff, boss]\n"
                            "    proxy_roles: [boss]\n"
                            "    names: {adm: \"{user}@adm\"}\n"
                            "  trial: {issuers: [corp], proxy_roles: [boss], observe: yes}\n"
                            "  local: {issuers: [corp], local_user: yes}\n"
                            "  plain: {issuers: [corp]}\n",
                            path);
    free(path);
    free(jwks);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(conf_text);
    test_folder_remove(&folder);
    test_key_free(&key);
    return 0;
}

/* One token and what is asked for with it; what is not told is left out. */
struct question {
    const char *service;
    const char *name;
    const char *roles;
    const char *scope;
    const char *authzid;
    const char *user;
    int64_t expires_in;
};

static void ask(struct jwta_verifier *verifier, const struct question *question,
                struct jwta_result *result)
{
    char *payload = test_format("{\"iss\":\"https://idp.example\",\"sub\":\"s\",\"aud\":\"login\","
                                "\"exp\":%lld,\"name\":\"%s\",\"roles\":\"%s\",\"scope\":\"%s\"}",
                                (long long)(NOW + question->expires_in), question->name,
                                question->roles, question->scope);
    char *token = test_sign(key, HEADER, payload);
    const struct jwta_request request = {.token = jwta_span_of(token),
                                         .service = question->service,
                                         .user = question->user,
                                         .authzid = question->authzid,
                                         .now = NOW};

    line[0] = '\0';
    jwta_auth(verifier, &request, result);
    free(token);
    free(payload);
}

/* A good token that does not suffice is told from one that is not good (RFC 6750 section 3.1). */
static void test_authenticated(void **state)
{
    static const struct {
        struct question question;
        enum jwta_code code;
        bool authenticated;
    } rows[] = {
        {{"imap", "alice", "staff", "mail", NULL, NULL, 300}, JWTA_OK, false},
        {{"imap", "alice", "guest", "mail", NULL, NULL, 300}, JWTA_NOT_ALLOWED, true},
        {{"imap", "alice", "staff", "mail", "bob", NULL, 300}, JWTA_PROXY, true},
        {{"imap", "alice", "staff", "mails", NULL, NULL, 300}, JWTA_SCOPE, true},
        {{"imap", "alice", "boss", "mail", "postgres", NULL, 300}, JWTA_USER_SYSTEM, true},
        {{"imap", "root", "boss", "mail", NULL, NULL, 300}, JWTA_USER_SYSTEM, true},
        {{"imap", "alice", "staff", "mail", NULL, "bob", 300}, JWTA_USER_MISMATCH, true},
        {{"local", "dora", "", "", NULL, NULL, 300}, JWTA_USER_UNKNOWN, true},
        {{"imap", "alice", "staff", "mail", NULL, NULL, -300}, JWTA_EXPIRED, false},
        {{"imap", "alice", "guest", "mails", "bob", NULL, -300}, JWTA_EXPIRED, false},
        {{"imap", "-alice", "staff", "mail", NULL, NULL, 300}, JWTA_USER_INVALID, false},
        {{"imap", "", "staff", "mail", NULL, NULL, 300}, JWTA_USER_CLAIM, false},
        {{"imap", "flaky", "staff", "mail", NULL, NULL, 300}, JWTA_USER_UNAVAILABLE, false},
        {{"trial", "alice", "", "", NULL, NULL, 300}, JWTA_OBSERVED, false},
        {{"trial", "alice", "", "", "bob", NULL, 300}, JWTA_PROXY, true},
        {{"nowhere", "alice", "", "", NULL, NULL, 300}, JWTA_NO_SERVICE, false},
    };
    struct jwta_verifier *verifier = test_verifier(conf_text, NULL);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct jwta_result result;

        ask(verifier, &rows[i].question, &result);
        if (result.why.code != rows[i].code || result.authenticated != rows[i].authenticated ||
            (result.outcome == JWTA_ALLOWED) != (rows[i].code == JWTA_OK))
            fail_msg("row %zu: %s: %s%s", i, jwta_code_name(result.why.code), result.why.text,
                     result.authenticated ? ", authenticated" : "");
        jwta_result_free(&result);
    }
    jwta_verifier_close(&verifier);
}

/* Nor is a token whose signature does not hold, whatever it says. */
static void test_forged(void **state)
{
    struct test_key *other = test_key_new("HS256");
    struct jwta_verifier *verifier = test_verifier(conf_text, NULL);
    char *token = test_sign(other, HEADER,
                            "{\"iss\":\"https://idp.example\",\"sub\":\"s\",\"aud\":\"login\","
                            "\"exp\":2000000300,\"name\":\"alice\",\"roles\":\"boss\"}");
    const struct jwta_request request = {
        .token = jwta_span_of(token), .service = "imap", .authzid = "bob", .now = NOW};
    struct jwta_result result;

    (void)state;
    jwta_auth(verifier, &request, &result);
    assert_code(result.why.code, JWTA_SIGNATURE);
    assert_false(result.authenticated);
    assert_string_equal(result.decided.user, "");
    assert_string_equal(result.decided.name, "");
    jwta_result_free(&result);
    free(token);
    jwta_verifier_close(&verifier);
    test_key_free(&other);
}

static void test_names(void **state)
{
    static const struct {
        struct question question;
        const char *name;
        bool proxied;
        const char *logged;
    } rows[] = {
        {{"imap", "alice", "staff", "mail", NULL, NULL, 300},
         "alice",
         false,
         " user=\"alice\" authzid=- name=\"alice\" subject=\"s\" "},
        {{"imap", "alice", "staff ops", "mail", "alice", NULL, 300},
         "alice@adm",
         false,
         " user=\"alice\" authzid=\"alice\" name=\"alice@adm\" "},
        {{"imap", "alice", "boss ops", "mail", "bob", NULL, 300},
         "alice@adm",
         true,
         " user=\"alice\" authzid=\"bob\" name=\"alice@adm\" "},
    };
    struct jwta_verifier *verifier = test_verifier(conf_text, &log_line);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct jwta_result result;

        ask(verifier, &rows[i].question, &result);
        assert_int_equal(result.outcome, JWTA_ALLOWED);
        assert_string_equal(result.decided.user, "alice");
        assert_string_equal(result.decided.name, rows[i].name);
        assert_int_equal(result.decided.proxied, rows[i].proxied);
        assert_non_null(strstr(line, rows[i].logged));
        jwta_result_free(&result);
    }
    jwta_verifier_close(&verifier);
}

/* What a peer asks for stands in the log escaped, and only so. */
static void test_logged_escaped(void **state)
{
    struct jwta_verifier *verifier = test_verifier(conf_text, &log_line);
    struct jwta_result result;

    (void)state;
    ask(verifier,
        &(struct question){"imap", "alice", "boss", "mail", "x\" rule=y\nresult=allowed", NULL,
                           300},
        &result);
    assert_code(result.why.code, JWTA_USER_INVALID);
    assert_non_null(strstr(line, " authzid=\"x\\x22 rule=y\\x0aresult=allowed\" "));
    assert_null(strchr(line, '\n'));
    jwta_result_free(&result);
    jwta_verifier_close(&verifier);
}

/* Without a host of its own a pinned verifier knows the system users, and NSS only by local_user.
 */
static void test_pinned_users(void **state)
{
    static const struct {
        struct question question;
        enum jwta_code code;
        bool account;
    } rows[] = {
        {{"plain", "daemon", "", "", NULL, NULL, 300}, JWTA_USER_SYSTEM, true},
        {{"plain", "DAEMON", "", "", NULL, NULL, 300}, JWTA_USER_SYSTEM, true},
        {{"plain", "nobody", "", "", NULL, NULL, 300}, JWTA_OK, false},
        {{"local", "daemon", "", "", NULL, NULL, 300}, JWTA_USER_SYSTEM, true},
        {{"local", "nobody", "", "", NULL, NULL, 300}, JWTA_OK, true},
        {{"local", "no-such-user", "", "", NULL, NULL, 300}, JWTA_USER_UNKNOWN, false},
    };
    struct jwta_conf *conf = test_conf(conf_text);
    const struct jwta_verifier_options options = {.expected = geteuid(), .pinned = true};
    struct jwta_verifier *verifier = NULL;

    (void)state;
    assert_code(jwta_verifier_from_conf(&conf, &options, JWTA_FILE_TRUSTED, &verifier), JWTA_OK);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct jwta_result result;

        ask(verifier, &rows[i].question, &result);
        if (result.why.code != rows[i].code || result.decided.account != rows[i].account)
            fail_msg("row %zu: %s: %s, account %d", i, jwta_code_name(result.why.code),
                     result.why.text, result.decided.account);
        jwta_result_free(&result);
    }
    jwta_verifier_close(&verifier);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_authenticated), cmocka_unit_test(test_forged),
        cmocka_unit_test(test_names),         cmocka_unit_test(test_logged_escaped),
        cmocka_unit_test(test_pinned_users),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
