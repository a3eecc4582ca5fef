/* SPDX-License-Identifier: BSD-2-Clause */
/* Whole exchanges with real tokens: who gets in, as whom, and what the others are told. */
#include "tests/sasl/stage.h"
#include "tests/sasl/talk.h"
#include "tests/unit/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TOKEN_ERROR                                                                     \
    "{\"status\":\"invalid_token\",\"scope\":\"mail openid\",\"openid-configuration\":" \
    "\"https://idp.lab/.well-known/openid-configuration\"}"
#define SCOPE_ERROR                                                                          \
    "{\"status\":\"insufficient_scope\",\"scope\":\"mail openid\",\"openid-configuration\":" \
    "\"https://idp.lab/.well-known/openid-configuration\"}"
#define NUMBER_ERROR(number) \
    "{\"status\":\"" number "\",\"schemes\":\"bearer\",\"scope\":\"mail openid\"}"

static struct stage *stage;

/* One exchange and what is expected of it. Names NULL: nobody may be known. */
struct handshake {
    const char *name;
    struct talk talk; /* but for the token */
    struct claims claims;
    bool proxy; /* the server's application admits others */
    int server;
    const char *error; /* NULL: none */
    const char *authcid;
    const char *authzid;
};

static const struct handshake handshakes[] = {
    {.name = "a valid token",
     .talk = {.authcid = "alice"},
     .server = SASL_OK,
     .authcid = "alice",
     .authzid = "alice"},
    {.name = "a valid token, no name given",
     .server = SASL_OK,
     .authcid = "alice",
     .authzid = "alice"},
    {.name = "a valid token by XOAUTH2",
     .talk = {.mechanism = "XOAUTH2", .authcid = "alice"},
     .server = SASL_OK,
     .authcid = "alice",
     .authzid = "alice"},
    {.name = "expired",
     .talk = {.authcid = "alice"},
     .claims = {.expires_in = -90},
     .server = SASL_BADAUTH,
     .error = TOKEN_ERROR},
    {.name = "expired, by XOAUTH2",
     .talk = {.mechanism = "XOAUTH2", .authcid = "alice"},
     .claims = {.expires_in = -90},
     .server = SASL_BADAUTH,
     .error = NUMBER_ERROR("401")},
    {.name = "for another audience",
     .talk = {.authcid = "alice"},
     .claims = {.audience = "https://other.lab"},
     .server = SASL_BADAUTH,
     .error = TOKEN_ERROR},
    {.name = "without the role",
     .talk = {.authcid = "alice"},
     .claims = {.roles = "[\"other\"]"},
     .server = SASL_NOAUTHZ,
     .error = SCOPE_ERROR},
    {.name = "without the role, by XOAUTH2",
     .talk = {.mechanism = "XOAUTH2", .authcid = "alice"},
     .claims = {.roles = "[\"other\"]"},
     .server = SASL_NOAUTHZ,
     .error = NUMBER_ERROR("403")},
    {.name = "without a scope",
     .talk = {.authcid = "alice"},
     .claims = {.scope = "mail"},
     .server = SASL_NOAUTHZ,
     .error = SCOPE_ERROR},
    {.name = "another's name without a proxy role",
     .talk = {.service = "proxy", .authcid = "alice", .authzid = "bob"},
     .proxy = true,
     .server = SASL_NOAUTHZ,
     .error = "{\"status\":\"insufficient_scope\"}"},
    {.name = "another's name with a proxy role",
     .talk = {.service = "proxy", .authcid = "alice", .authzid = "bob"},
     .claims = {.roles = "[\"mail-admin\"]"},
     .proxy = true,
     .server = SASL_OK,
     .authcid = "alice",
     .authzid = "bob"},
    {.name = "another's name with a proxy role, by XOAUTH2",
     .talk = {.mechanism = "XOAUTH2", .service = "proxy", .authcid = "alice", .authzid = "bob"},
     .claims = {.roles = "[\"mail-admin\"]"},
     .proxy = true,
     .server = SASL_OK,
     .authcid = "alice",
     .authzid = "bob"},
    {.name = "another's name, which the server's own policy refuses",
     .talk = {.service = "proxy", .authcid = "alice", .authzid = "bob"},
     .claims = {.roles = "[\"mail-admin\"]"},
     .server = SASL_NOAUTHZ,
     .authcid = "alice",
     .authzid = "bob"},
    {.name = "another's name where nobody may",
     .talk = {.service = "plain", .authcid = "alice", .authzid = "bob"},
     .claims = {.roles = "[\"mail-admin\"]"},
     .proxy = true,
     .server = SASL_NOAUTHZ,
     .error = "{\"status\":\"insufficient_scope\"}"},
    {.name = "his own name as authzid",
     .talk = {.service = "proxy", .authcid = "x", .authzid = "alice"},
     .server = SASL_OK,
     .authcid = "alice",
     .authzid = "alice"},
    {.name = "a token of root",
     .claims = {.user = "root"},
     .server = SASL_NOAUTHZ,
     .error = SCOPE_ERROR},
    {.name = "a token of cyrus",
     .claims = {.user = "cyrus"},
     .server = SASL_NOAUTHZ,
     .error = SCOPE_ERROR},
    {.name = "a token of anonymous",
     .claims = {.user = "anonymous"},
     .server = SASL_NOAUTHZ,
     .error = SCOPE_ERROR},
    {.name = "a token of daemon, a system user",
     .claims = {.user = "daemon"},
     .server = SASL_NOAUTHZ,
     .error = SCOPE_ERROR},
    {.name = "cyrus as authzid",
     .talk = {.service = "proxy", .authcid = "alice", .authzid = "cyrus"},
     .claims = {.roles = "[\"mail-admin\"]"},
     .proxy = true,
     .server = SASL_NOAUTHZ,
     .error = "{\"status\":\"insufficient_scope\"}"},
    {.name = "anyone as authzid",
     .talk = {.service = "proxy", .authcid = "alice", .authzid = "anyone"},
     .claims = {.roles = "[\"mail-admin\"]"},
     .proxy = true,
     .server = SASL_NOAUTHZ,
     .error = "{\"status\":\"insufficient_scope\"}"},
    {.name = "a name by its group",
     .talk = {.service = "named", .authcid = "alice"},
     .claims = {.roles = "[\"mail-admin\"]"},
     .server = SASL_OK,
     .authcid = "alice@admins",
     .authzid = "alice@admins"},
    {.name = "the plain name where no group has one",
     .talk = {.service = "named", .authcid = "alice"},
     .server = SASL_OK,
     .authcid = "alice",
     .authzid = "alice"},
    {.name = "a name of a group asked for without it",
     .talk = {.service = "named", .authzid = "alice@admins"},
     .server = SASL_NOAUTHZ,
     .error = "{\"status\":\"insufficient_scope\"}"},
    {.name = "a user without a local account where one is wanted",
     .talk = {.service = "local"},
     .claims = {.user = "nobody-of-this-name"},
     .server = SASL_NOAUTHZ,
     .error = "{\"status\":\"insufficient_scope\"}"},
    {.name = "a service that only observes",
     .talk = {.service = "watch"},
     .server = SASL_BADAUTH,
     .error = "{\"status\":\"invalid_token\"}"},
    {.name = "a service without a section", .talk = {.service = "ldap"}, .server = SASL_NOMECH},
};

static void run_handshake(void **state)
{
    const struct handshake *expected = *state;
    char *token = stage_token(stage, &expected->claims);
    struct talk talk = expected->talk;
    struct outcome outcome;

    talk.token = token;
    stage_proxy_policy(expected->proxy);
    talk_exchange(&talk, &outcome);
    assert_int_equal(outcome.server, expected->server);
    assert_string_equal(outcome.error, expected->error != NULL ? expected->error : "");
    assert_string_equal(outcome.authcid, expected->authcid != NULL ? expected->authcid : "");
    assert_string_equal(outcome.authzid, expected->authzid != NULL ? expected->authzid : "");
    if (expected->error != NULL)
        assert_int_equal(outcome.client, SASL_BADAUTH);
    else if (expected->server == SASL_OK)
        assert_int_equal(outcome.client, SASL_OK);
    assert_string_equal(stage_log(), "");
    sasl_dispose(&outcome.conn);
    free(token);
}

static int set_up(void **state)
{
    (void)state;
    stage = stage_open();
    stage_start(stage);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    stage_close(&stage);
    return 0;
}

int main(void)
{
    struct CMUnitTest tests[COUNT_OF(handshakes)];

    for (size_t i = 0; i < COUNT_OF(handshakes); i++)
        tests[i] = (struct CMUnitTest){.name = handshakes[i].name,
                                       .test_func = run_handshake,
                                       .initial_state = (void *)&handshakes[i]};
    return cmocka_run_group_tests_name("sasl handshake", tests, set_up, tear_down);
}
