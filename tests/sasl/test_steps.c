/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The steps of both sides without libsasl, which would hide from them what it refuses itself: that
 * nothing follows an end, and what they say to the host, in which order.
 */
#include "sasl_jwt/client.h"
#include "sasl_jwt/server.h"
#include "tests/pam/journal.h"
#include "tests/sasl/stage.h"
#include "tests/unit/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct stage *stage;
static struct jwta_server *server;
static char said[512]; /* what the host was told, one line each */

static void note(const char *format, const char *text, unsigned number)
{
    size_t used = strlen(said);

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    (void)snprintf(said + used, sizeof(said) - used, format, text, number);
#pragma GCC diagnostic pop
}

static int give_option(void *context, const char *plugin, const char *option, const char **result,
                       unsigned *len)
{
    (void)context;
    (void)plugin;
    (void)len;
    if (strcmp(option, "jwtauth_config") != 0)
        return SASL_FAIL;
    *result = stage->config;
    return SASL_OK;
}

static void __attribute__((format(printf, 3, 4)))
take_error(sasl_conn_t *conn, unsigned flags, const char *format, ...)
{
    (void)conn;
    (void)format;
    note("%.0serror %u\n", "", flags);
}

static void __attribute__((format(printf, 3, 4)))
take_log(sasl_conn_t *conn, int level, const char *format, ...)
{
    (void)conn;
    (void)format;
    note("%.0slog %u\n", "", (unsigned)level);
}

static int take_user(sasl_conn_t *conn, const char *user, unsigned len, unsigned flags,
                     sasl_out_params_t *oparams)
{
    char *copy = len > 0 ? strndup(user, len) : strdup(user);

    (void)conn;
    assert_non_null(copy);
    note("user %s %u\n", copy, flags);
    if (flags & SASL_CU_AUTHZID)
        oparams->user = user;
    /* As a server that takes off a domain, with a realm that it does not show. */
    if (strncmp(user, "cyrus-", 6) == 0)
        oparams->user = "Cyrus";
    if (strncmp(user, "empty", 5) == 0)
        oparams->user = "";
    free(copy);
    return strncmp(user, "nouser", 6) == 0 ? SASL_NOUSER : SASL_OK;
}

static int no_callback(sasl_conn_t *conn, unsigned long id, sasl_callback_ft *call, void **context)
{
    (void)conn;
    (void)id;
    (void)call;
    (void)context;
    return SASL_FAIL;
}

static int ask_the_user(sasl_conn_t *conn, unsigned long id, sasl_callback_ft *call, void **context)
{
    (void)conn;
    (void)id;
    (void)call;
    (void)context;
    return SASL_INTERACT;
}

static sasl_utils_t utils = {
    .getopt = give_option, .seterror = take_error, .log = take_log, .getcallback = ask_the_user};

/* ------------------------------------------------------------------ server */

static int serve(void *exchange, const char *message, struct jwta_span *out)
{
    sasl_server_params_t params = {.service = "proxy", .utils = &utils, .canon_user = take_user};
    sasl_out_params_t oparams = {.doneflag = 77};
    const char *data = "untouched";
    unsigned len = 77;
    int status = jwta_server_step(exchange, &params, message, (unsigned)strlen(message), &data,
                                  &len, &oparams);

    assert_int_equal(oparams.doneflag, status == SASL_OK ? 1 : 77);
    *out = jwta_span(data, len);
    return status;
}

static void *new_exchange(enum jwta_mechanism mechanism)
{
    static struct jwta_server_start starts[JWTA_MECHANISM_COUNT];
    sasl_server_params_t params = {.utils = &utils};
    void *exchange = NULL;

    starts[mechanism] = (struct jwta_server_start){server, mechanism};
    assert_int_equal(jwta_server_new(&starts[mechanism], &params, NULL, 0, &exchange), SASL_OK);
    said[0] = '\0';
    return exchange;
}

static char *message_of(const char *header, const char *roles)
{
    const struct claims claims = {.roles = roles};
    char *token = stage_token(stage, &claims);
    char *message = test_format("%s\001auth=Bearer %s\001\001", header, token);

    free(token);
    return message;
}

#define VERIFIED(flags) ((flags) | SASL_CU_EXTERNALLY_VERIFIED)

static void tells_one_name_once(void **state)
{
    char *message = message_of("n,a=alice,", "[\"mail\"]");
    void *exchange = new_exchange(JWTA_OAUTHBEARER);
    struct jwta_span out;

    (void)state;
    assert_int_equal(serve(exchange, message, &out), SASL_OK);
    assert_null(out.data);
    assert_int_equal(VERIFIED(SASL_CU_AUTHID | SASL_CU_AUTHZID), 7);
    assert_string_equal(said, "user alice 7\n");
    jwta_server_dispose(exchange, &utils);
    free(message);
}

static void tells_who_shows_the_token_first(void **state)
{
    char *message = message_of("n,a=bob,", "[\"mail-admin\"]");
    void *exchange = new_exchange(JWTA_OAUTHBEARER);
    struct jwta_span out;

    (void)state;
    assert_int_equal(serve(exchange, message, &out), SASL_OK);
    assert_int_equal(VERIFIED(SASL_CU_AUTHID), 5);
    assert_int_equal(VERIFIED(SASL_CU_AUTHZID), 6);
    assert_string_equal(said, "user alice 5\nuser bob 6\n");
    jwta_server_dispose(exchange, &utils);
    free(message);
}

/* What the host says of a name is the end. */
static void heeds_the_host(void **state)
{
    char *message = message_of("n,a=nouser,", "[\"mail-admin\"]");
    void *exchange = new_exchange(JWTA_OAUTHBEARER);
    struct jwta_span out;

    (void)state;
    assert_int_equal(serve(exchange, message, &out), SASL_NOUSER);
    assert_int_equal(serve(exchange, message, &out), SASL_BADPROT);
    jwta_server_dispose(exchange, &utils);
    free(message);
}

/* A name that the server makes something else of is judged again. */
static void heeds_what_the_host_makes_of_a_name(void **state)
{
    static const char *const names[] = {"n,a=cyrus-x,", "n,a=empty,"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        char *message = message_of(names[i], "[\"mail-admin\"]");
        void *exchange = new_exchange(JWTA_OAUTHBEARER);
        struct jwta_span out;

        journal_reset();
        assert_int_equal(serve(exchange, message, &out), SASL_NOAUTHZ);
        assert_non_null(journal_line("result=allowed", ""));
        assert_non_null(journal_line("does not let in", "\"alice\", who was allowed to act as"));
        assert_int_equal(serve(exchange, message, &out), SASL_BADPROT);
        jwta_server_dispose(exchange, &utils);
        free(message);
    }
}

/* Who has no token and asks where to get one is seen. */
static void logs_who_asks(void **state)
{
    void *exchange = new_exchange(JWTA_OAUTHBEARER);
    struct jwta_span out;

    (void)state;
    journal_reset();
    assert_int_equal(serve(exchange, "n,,\001auth=\001\001", &out), SASL_CONTINUE);
    assert_non_null(journal_line("service=\"proxy\" remote=-", "asks where it gets a token"));
    jwta_server_dispose(exchange, &utils);
}

/* After an end of any kind there is no second message, however good. */
static void ends_for_good(void **state)
{
    char *good = message_of("n,,", "[\"mail\"]");
    char *bad = message_of("n,,", "[]");
    char *other = message_of("p,,", "[\"mail\"]");
    const struct {
        const char *message;
        const char *answer; /* to an error message */
        int status;
    } cases[] = {
        {good, NULL, SASL_OK},       {other, NULL, SASL_BADPROT}, {bad, "\001", SASL_NOAUTHZ},
        {bad, "\002", SASL_BADPROT}, {bad, good, SASL_BADPROT},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        void *exchange = new_exchange(JWTA_OAUTHBEARER);
        struct jwta_span out;
        int status = serve(exchange, cases[i].message, &out);

        if (cases[i].answer != NULL) {
            assert_int_equal(status, SASL_CONTINUE);
            assert_string_equal(said, "");
            status = serve(exchange, cases[i].answer, &out);
        }
        assert_int_equal(status, cases[i].status);
        assert_null(out.data);
        for (int again = 0; again < 2; again++) {
            said[0] = '\0';
            assert_int_equal(serve(exchange, again == 0 ? good : "\001", &out), SASL_BADPROT);
            assert_string_equal(said, "error 1\n");
            assert_null(out.data);
        }
        jwta_server_dispose(exchange, &utils);
    }
    free(good);
    free(bad);
    free(other);
}

/* ------------------------------------------------------------------ client */

#define TOKEN "a.b.c"

static const struct jwta_client_start client_start = {JWTA_OAUTHBEARER};

/* One step of a client that is connected to this place. */
static int ask(void *exchange, const char *place, const char *message, sasl_interact_t **prompts,
               struct jwta_span *out)
{
    static sasl_out_params_t oparams;
    sasl_client_params_t params = {
        .serverFQDN = "mail.lab", .utils = &utils, .ipremoteport = place, .canon_user = take_user};
    const char *data = "untouched";
    unsigned len = 77;
    int status = jwta_client_step(exchange, &params, message,
                                  message != NULL ? (unsigned)strlen(message) : 0, prompts, &data,
                                  &len, &oparams);

    *out = jwta_span(data, len);
    return status;
}

static void *new_client(void)
{
    sasl_client_params_t params = {.utils = &utils};
    void *exchange = NULL;

    assert_int_equal(jwta_client_new((void *)&client_start, &params, &exchange), SASL_OK);
    said[0] = '\0';
    return exchange;
}

/* A client that is told its token has said its message. */
static void *sent(const char *place, struct jwta_span *out)
{
    sasl_interact_t answers[] = {{.id = SASL_CB_USER, .result = "", .len = 0},
                                 {.id = SASL_CB_AUTHNAME, .result = "alice", .len = 5},
                                 {.id = SASL_CB_PASS, .result = TOKEN, .len = 5},
                                 {.id = SASL_CB_LIST_END}};
    sasl_interact_t *prompts = answers;
    void *exchange = new_client();

    assert_int_equal(ask(exchange, place, NULL, &prompts, out), SASL_CONTINUE);
    assert_null(prompts);
    return exchange;
}

static void sends_the_port_that_is_one(void **state)
{
    static const struct {
        const char *place;
        const char *port;
    } cases[] = {
        {"192.0.2.1;143", "port=143\001"},
        {"2001:db8::1;65535", "port=65535\001"},
        {"192.0.2.1;14x", ""},
        {"192.0.2.1;65536", ""},
        {"192.0.2.1;0", ""},
        {"192.0.2.1; 1", ""},
        {"192.0.2.1;-1", ""},
        {"192.0.2.1;", ""},
        {"192.0.2.1", ""},
        {NULL, ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char *expected = test_format(
            "n,a=alice,\001host=mail.lab\001%sauth=Bearer " TOKEN "\001\001", cases[i].port);
        struct jwta_span out;
        void *exchange = sent(cases[i].place, &out);

        assert_int_equal(out.len, strlen(expected));
        assert_memory_equal(out.data, expected, out.len);
        jwta_client_dispose(exchange, &utils);
        free(expected);
    }
}

static void a_client_ends_for_good(void **state)
{
    static const struct {
        const char *answers[2];
        int statuses[2];
    } cases[] = {
        {{"", ""}, {SASL_OK, SASL_BADPROT}},
        {{"x", ""}, {SASL_BADPROT, SASL_BADPROT}},
        {{"{\"status\":\"a\"}", ""}, {SASL_CONTINUE, SASL_BADAUTH}},
        {{"{\"status\":\"a\"}", "x"}, {SASL_CONTINUE, SASL_BADAUTH}},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        sasl_interact_t *prompts = NULL;
        struct jwta_span out;
        void *exchange = sent(NULL, &out);

        for (size_t j = 0; j < 2; j++)
            assert_int_equal(ask(exchange, NULL, cases[i].answers[j], &prompts, &out),
                             cases[i].statuses[j]);
        assert_int_equal(ask(exchange, NULL, "", &prompts, &out), SASL_BADPROT);
        assert_null(out.data);
        jwta_client_dispose(exchange, &utils);
    }
}

/* What a server says of a token goes nowhere above debug. */
static void a_refusal_is_logged_for_debugging(void **state)
{
    char *expected = test_format("log %d\n", SASL_LOG_DEBUG);
    sasl_interact_t *prompts = NULL;
    struct jwta_span out;
    void *exchange = sent(NULL, &out);

    (void)state;
    said[0] = '\0';
    assert_int_equal(ask(exchange, NULL, "{\"status\":\"a\"}", &prompts, &out), SASL_CONTINUE);
    assert_string_equal(said, expected);
    jwta_client_dispose(exchange, &utils);
    free(expected);
}

static void a_client_without_a_token_fails(void **state)
{
    sasl_interact_t *prompts = NULL;
    struct jwta_span out;
    void *exchange = new_client();

    (void)state;
    utils.getcallback = no_callback;
    assert_int_equal(ask(exchange, NULL, NULL, &prompts, &out), SASL_BADPARAM);
    utils.getcallback = ask_the_user;
    assert_string_equal(said, "");
    assert_null(out.data);
    jwta_client_dispose(exchange, &utils);
}

static int set_up(void **state)
{
    (void)state;
    stage = stage_open();
    assert_code(jwta_server_open(&utils, &server), JWTA_OK);
    assert_non_null(server);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    jwta_server_close(&server);
    stage_close(&stage);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_one_name_once),
        cmocka_unit_test(tells_who_shows_the_token_first),
        cmocka_unit_test(heeds_the_host),
        cmocka_unit_test(heeds_what_the_host_makes_of_a_name),
        cmocka_unit_test(logs_who_asks),
        cmocka_unit_test(ends_for_good),
        cmocka_unit_test(sends_the_port_that_is_one),
        cmocka_unit_test(a_client_ends_for_good),
        cmocka_unit_test(a_refusal_is_logged_for_debugging),
        cmocka_unit_test(a_client_without_a_token_fails),
    };

    return cmocka_run_group_tests_name("sasl steps", tests, set_up, tear_down);
}
