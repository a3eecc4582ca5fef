/* SPDX-License-Identifier: BSD-2-Clause */
/* What a host gets from loading the plug-in: mechanisms or silence, options, properties, no leaks.
 */
#include "tests/pam/journal.h"
#include "tests/sasl/stage.h"
#include "tests/sasl/talk.h"
#include "tests/unit/check.h"

#include <dirent.h>
#include <sasl/saslplug.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

static struct stage *stage;
static unsigned looked_up;

/* What the server offers for a service, separated by spaces; to be freed. */
static char *offered_with(const char *service, unsigned flags)
{
    const sasl_security_properties_t wanted = {.max_ssf = 256, .security_flags = flags};
    sasl_conn_t *conn = stage_server(service);
    const char *list = NULL;
    char *copy = NULL;

    assert_int_equal(sasl_setprop(conn, SASL_SEC_PROPS, &wanted), SASL_OK);
    if (sasl_listmech(conn, NULL, "", " ", "", &list, NULL, NULL) != SASL_OK)
        list = "";
    copy = test_format("%s", list);
    sasl_dispose(&conn);
    return copy;
}

static void assert_offered(const char *service, unsigned flags, const char *expected)
{
    char *list = offered_with(service, flags);

    /* EXTERNAL is libsasl's own. */
    assert_string_equal(strncmp(list, "EXTERNAL ", 9) == 0 ? list + 9 : list, expected);
    free(list);
}

static void change_option(char **option, char *value)
{
    free(*option);
    *option = value;
}

static int start(void **state)
{
    (void)state;
    journal_reset();
    stage_restore(stage);
    change_option(&stage->config, test_format("%s/jwtauth.yaml", stage->dir));
    stage->service = NULL;
    stage_proxy_policy(false);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    stage_stop(stage);
    return 0;
}

static void offers_both(void **state)
{
    (void)state;
    stage_start(stage);
    assert_offered("imap", 0, "OAUTHBEARER XOAUTH2");
    assert_offered("imap", SASL_SEC_NOANONYMOUS, "OAUTHBEARER XOAUTH2");
    assert_string_equal(journal_text(), "");
    assert_string_equal(stage_log(), "");
}

/* As PLAIN: what the server asks of a connection without TLS hides them. */
static void hides_from_the_clear(void **state)
{
    (void)state;
    stage_start(stage);
    assert_offered("imap", SASL_SEC_NOPLAINTEXT, "");
}

/* A server that wants users to act as others says so. */
static void offers_proxies(void **state)
{
    sasl_conn_t *conn = NULL;
    const char *list = NULL;

    (void)state;
    stage_start(stage);
    assert_int_equal(
        sasl_server_new("imap", "mail.lab", NULL, NULL, NULL, NULL, SASL_NEED_PROXY, &conn),
        SASL_OK);
    assert_int_equal(sasl_listmech(conn, NULL, "", " ", "", &list, NULL, NULL), SASL_OK);
    assert_non_null(strstr(list, "OAUTHBEARER XOAUTH2"));
    sasl_dispose(&conn);
}

static void offers_nothing_to_an_unknown_service(void **state)
{
    (void)state;
    stage_start(stage);
    assert_offered("ldap", 0, "");
    assert_string_equal(journal_text(), "");
    assert_string_equal(stage_log(), "");
}

static void is_silent_without_a_configuration(void **state)
{
    (void)state;
    if (access(JWTA_SYSCONFDIR "/jwtauth/jwtauth.yaml", F_OK) == 0)
        skip();
    change_option(&stage->config, NULL);
    stage_start(stage);
    assert_offered("imap", 0, "");
    assert_string_equal(journal_text(), "");
    assert_string_equal(stage_log(), "");
}

/* The client needs none. */
static void is_a_client_without_a_configuration(void **state)
{
    static const struct talk talk = {.authcid = "alice", .token = "x"};
    struct talk_callbacks callbacks;
    sasl_conn_t *conn = NULL;
    const char *used = NULL;
    const char *out = NULL;
    unsigned len = 0;

    (void)state;
    change_option(&stage->config, NULL);
    stage_start(stage);
    talk_callbacks(&talk, &callbacks);
    conn = stage_client("imap", callbacks.item);
    assert_int_equal(sasl_client_start(conn, "OAUTHBEARER XOAUTH2", NULL, &out, &len, &used),
                     SASL_CONTINUE);
    assert_int_equal(sasl_client_step(conn, NULL, 0, NULL, &out, &len), SASL_OK);
    assert_string_equal(stage_log(), "");
    sasl_dispose(&conn);
    talk_callbacks_free(&callbacks);
}

/* A configuration that is refused lets nobody in: not a word to the peer, all to the log. */
static void assert_refused(const char *reason)
{
    char *token = stage_token(stage, NULL);
    char *field = test_format("reason=%s ", reason);
    const struct talk talk = {.token = token};
    struct outcome outcome;

    stage_start(stage);
    assert_offered("imap", 0, "OAUTHBEARER XOAUTH2");
    talk_exchange(&talk, &outcome);
    assert_int_equal(outcome.server, SASL_FAIL);
    assert_string_equal(outcome.error, "");
    assert_string_equal(outcome.authcid, "");
    assert_non_null(journal_line("jwtauth(sasl): result=config", field));
    assert_non_null(journal_line("remote=\"192.0.2.7\"", "service=\"imap\""));
    assert_string_equal(stage_log(), "");
    sasl_dispose(&outcome.conn);
    free(field);
    free(token);
}

static void a_broken_configuration_refuses(void **state)
{
    (void)state;
    stage_write(stage, "jwtauth.yaml", "services:\n  imap:\n    issuers: [nobody]\n");
    assert_refused("conf-invalid");
    assert_non_null(strstr(journal_text(), "jwtauth.yaml:3"));
}

static void a_missing_configuration_refuses(void **state)
{
    (void)state;
    change_option(&stage->config, test_format("%s/other.yaml", stage->dir));
    assert_refused("conf-missing");
}

static void a_configuration_of_others_refuses(void **state)
{
    (void)state;
    assert_int_equal(chmod(stage->config, 0666), 0);
    assert_refused("conf-insecure");
}

static void a_relative_path_refuses(void **state)
{
    (void)state;
    change_option(&stage->config, test_format("jwtauth.yaml"));
    assert_refused("conf-invalid");
    assert_non_null(journal_line("jwtauth_config", "\"jwtauth.yaml\""));
}

static void an_impossible_service_refuses(void **state)
{
    (void)state;
    stage->service = "imap smtp";
    assert_refused("conf-invalid");
    assert_non_null(journal_line("jwtauth_service", "\"imap smtp\""));
}

static void another_service_decides(void **state)
{
    char *token = stage_token(stage, NULL);
    const struct talk talk = {.service = "ldap", .token = token};

    (void)state;
    stage->service = "plain";
    stage_start(stage);
    assert_offered("ldap", 0, "OAUTHBEARER XOAUTH2");
    assert_int_equal(talk_status(&talk), SASL_OK);
    assert_non_null(journal_line("result=allowed", "service=\"plain\""));
    free(token);
}

static void unreachable_keys_are_a_failure_for_now(void **state)
{
    char *token = NULL;
    char *payload =
        test_format("{\"iss\":\"https://away.lab\",\"sub\":\"s\",\"aud\":\"https://login.lab\","
                    "\"exp\":%ld,\"preferred_username\":\"alice\"}",
                    (long)time(NULL) + 300);
    struct talk talk = {.service = "away", .authcid = "alice"};
    struct outcome outcome;

    (void)state;
    token = test_sign(stage->key, "{\"alg\":\"ES256\",\"kid\":\"lab-1\"}", payload);
    talk.token = token;
    stage_start(stage);
    talk_exchange(&talk, &outcome);
    assert_int_equal(outcome.server, SASL_UNAVAIL);
    assert_string_equal(outcome.error, "");
    assert_non_null(journal_line("result=unavailable", "reason=keys-unavailable"));
    sasl_dispose(&outcome.conn);
    free(token);
    free(payload);
}

static void reads_what_is_malformed_into_the_log(void **state)
{
    char *prefix = test_format("<%d> jwtauth(sasl): ", LOG_AUTHPRIV | LOG_INFO);
    sasl_conn_t *conn = NULL;
    const char *out = NULL;
    const char *line = NULL;
    unsigned len = 0;

    (void)state;
    stage_start(stage);
    conn = stage_server("imap");
    assert_int_equal(sasl_server_start(conn, "OAUTHBEARER", "p=x,,\001", 7, &out, &len),
                     SASL_BADPROT);
    line = journal_line("channel binding", "remote=\"192.0.2.7\"");
    assert_non_null(line);
    assert_ptr_equal(strstr(line, prefix), line);
    sasl_dispose(&conn);
    free(prefix);
}

/* Neither the peer nor the host's log learns why. */
static void says_the_same_of_every_failure(void **state)
{
    const struct claims cases[] = {{.expires_in = -90}, {.roles = "[]"}, {.user = "root"}};

    (void)state;
    stage_start(stage);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char *token = stage_token(stage, &cases[i]);
        const struct talk talk = {.token = token};
        struct outcome outcome;

        talk_exchange(&talk, &outcome);
        assert_int_not_equal(outcome.server, SASL_OK);
        assert_string_equal(strrchr(outcome.detail, ':'), ": authentication failed");
        assert_string_equal(stage_log(), "");
        sasl_dispose(&outcome.conn);
        free(token);
    }
}

/* ------------------------------------------------------------------ properties */

static void assert_property(sasl_conn_t *conn, const char *name, const char *first,
                            const char *second)
{
    const char *names[] = {name, NULL};
    struct propval values[2] = {{0}};

    (void)prop_getnames(sasl_auxprop_getctx(conn), names, values);
    if (first == NULL) {
        assert_null(values[0].values);
        return;
    }
    assert_non_null(values[0].values);
    assert_string_equal(values[0].values[0], first);
    if (second == NULL)
        assert_null(values[0].values[1]);
    else
        assert_string_equal(values[0].values[1], second);
}

static void tells_properties(void **state)
{
    const struct claims claims = {.roles = "[\"mail-admin\"]"};
    long before = (long)time(NULL);
    char *token = stage_token(stage, &claims);
    const char *names[] = {"jwtExpires", NULL};
    struct propval values[2] = {{0}};
    long expires = 0;
    struct talk talk = {.service = "told", .token = token};
    struct outcome outcome;

    (void)state;
    stage_start(stage);
    talk_exchange(&talk, &outcome);
    assert_int_equal(outcome.server, SASL_OK);
    assert_property(outcome.conn, "jwtGroups", "mail", "adm");
    assert_property(outcome.conn, "jwtIssuer", "https://idp.lab", NULL);
    assert_int_equal(prop_getnames(sasl_auxprop_getctx(outcome.conn), names, values), 1);
    expires = strtol(values[0].values[0], NULL, 10);
    assert_true(expires >= before + 300 && expires <= (long)time(NULL) + 300);
    sasl_dispose(&outcome.conn);
    talk.service = "plain";
    talk_exchange(&talk, &outcome);
    assert_int_equal(outcome.server, SASL_OK);
    assert_property(outcome.conn, "jwtGroups", NULL, NULL);
    sasl_dispose(&outcome.conn);
    free(token);
}

/* Another plug-in, that knows groups of its own under our name. */
static int look_up(void *context, sasl_server_params_t *params, unsigned flags, const char *user,
                   unsigned len)
{
    (void)context;
    (void)flags;
    (void)user;
    (void)len;
    looked_up++;
    (void)params->utils->prop_set(params->propctx, "jwtGroups", "wheel", 0);
    return SASL_OK;
}

static int make_liar(const sasl_utils_t *utils, int max_version, int *out_version,
                     sasl_auxprop_plug_t **plug, const char *name)
{
    static sasl_auxprop_plug_t liar = {.auxprop_lookup = look_up, .name = (char *)"liar"};

    (void)utils;
    (void)max_version;
    (void)name;
    *out_version = SASL_AUXPROP_PLUG_VERSION;
    *plug = &liar;
    return SASL_OK;
}

static void properties_are_ours_alone(void **state)
{
    char *token = stage_token(stage, NULL);
    struct talk talk = {.service = "told", .token = token};
    struct outcome outcome;

    (void)state;
    stage_start(stage);
    assert_int_equal(sasl_auxprop_add_plugin("liar", make_liar), SASL_OK);
    looked_up = 0;
    talk_exchange(&talk, &outcome);
    assert_int_equal(outcome.server, SASL_OK);
    assert_true(looked_up > 0);
    assert_property(outcome.conn, "jwtGroups", "mail", NULL);
    sasl_dispose(&outcome.conn);
    free(token);
}

/* In a protocol without initial responses the server asks for the message by nothing. */
static void asks_for_the_first_message(void **state)
{
    char *token = stage_token(stage, NULL);
    char *message = test_format("n,,\001auth=Bearer %s\001\001", token);
    sasl_conn_t *conn = NULL;
    const char *out = NULL;
    unsigned len = 77;

    (void)state;
    stage_start(stage);
    conn = stage_server("imap");
    assert_int_equal(sasl_server_start(conn, "OAUTHBEARER", NULL, 0, &out, &len), SASL_CONTINUE);
    assert_int_equal(len, 0);
    assert_int_equal(sasl_server_step(conn, message, (unsigned)strlen(message), &out, &len),
                     SASL_OK);
    sasl_dispose(&conn);
    free(message);
    free(token);
}

/* ------------------------------------------------------------------ again and again */

static size_t open_descriptors(void)
{
    DIR *listing = opendir("/proc/self/fd");
    size_t count = 0;

    assert_non_null(listing);
    while (readdir(listing) != NULL)
        count++;
    assert_int_equal(closedir(listing), 0);
    return count;
}

/* Hosts end libsasl and begin anew; the sanitizers' leak check sees what is forgotten. */
static void begins_and_ends(void **state)
{
    char *token = stage_token(stage, NULL);
    const struct talk talk = {.token = token};
    size_t before = 0;

    (void)state;
    for (int i = 0; i < 50; i++) {
        stage_start(stage);
        assert_int_equal(talk_status(&talk), SASL_OK);
        stage_stop(stage);
        if (i == 0)
            before = open_descriptors();
        journal_reset();
    }
    assert_int_equal(open_descriptors(), before);
    free(token);
}

static int set_up(void **state)
{
    (void)state;
    stage = stage_open();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    stage_close(&stage);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(offers_both),
        TEST(hides_from_the_clear),
        TEST(offers_proxies),
        TEST(offers_nothing_to_an_unknown_service),
        TEST(is_silent_without_a_configuration),
        TEST(is_a_client_without_a_configuration),
        TEST(a_broken_configuration_refuses),
        TEST(a_missing_configuration_refuses),
        TEST(a_configuration_of_others_refuses),
        TEST(a_relative_path_refuses),
        TEST(an_impossible_service_refuses),
        TEST(another_service_decides),
        TEST(unreachable_keys_are_a_failure_for_now),
        TEST(reads_what_is_malformed_into_the_log),
        TEST(says_the_same_of_every_failure),
        TEST(asks_for_the_first_message),
        TEST(tells_properties),
        TEST(properties_are_ours_alone),
        TEST(begins_and_ends),
    };

    return cmocka_run_group_tests_name("sasl plugin", tests, set_up, tear_down);
}
