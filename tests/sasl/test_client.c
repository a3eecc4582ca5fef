/* SPDX-License-Identifier: BSD-2-Clause */
/* The client alone: what it says, to the byte, and what it makes of answers that are made up. */
#include "tests/sasl/stage.h"
#include "tests/sasl/talk.h"
#include "tests/unit/check.h"

#include <stdlib.h>
#include <string.h>

#define TOKEN "abc.def-_~+/.ghi="
#define AUTH "auth=Bearer " TOKEN "\001\001"
#define PLACE "host=mail.lab\001port=143\001"

static struct stage *stage;

/* What the application knows, and the first message that comes of it; NULL: the failure alone. */
struct first {
    const char *name;
    struct talk talk;
    const char *message;
    int status;
    const char *user; /* as the client's libsasl knows him */
};

static const struct first firsts[] = {
    {"a name", {.authcid = "alice", .token = TOKEN}, "n,a=alice,\001" PLACE AUTH, 0, "alice"},
    {"two names",
     {.authcid = "alice", .authzid = "bob", .token = TOKEN},
     "n,a=bob,\001" PLACE AUTH,
     0,
     "bob"},
    {"the name to act as alone",
     {.authzid = "bob", .token = TOKEN},
     "n,a=bob,\001" PLACE AUTH,
     0,
     "bob"},
    {"no name", {.token = TOKEN}, "n,,\001" PLACE AUTH, 0, "bearer"},
    {"empty names",
     {.authcid = "", .authzid = "", .token = TOKEN},
     "n,,\001" PLACE AUTH,
     0,
     "bearer"},
    {"a name to be escaped",
     {.authcid = "a,b=c", .token = TOKEN},
     "n,a=a=2Cb=3Dc,\001" PLACE AUTH,
     0,
     "a,b=c"},
    {"a name beyond ASCII",
     {.authcid = "j\303\274rgen", .token = TOKEN},
     "n,a=j\303\274rgen,\001" PLACE AUTH,
     0,
     "j\303\274rgen"},
    {"XOAUTH2",
     {.mechanism = "XOAUTH2", .authcid = "alice", .token = TOKEN},
     "user=alice\001" AUTH,
     0,
     "alice"},
    {"XOAUTH2 with two names",
     {.mechanism = "XOAUTH2", .authcid = "alice", .authzid = "b,ob", .token = TOKEN},
     "user=b,ob\001" AUTH,
     0,
     "b,ob"},
    {"XOAUTH2 with an empty name",
     {.mechanism = "XOAUTH2", .authcid = "", .token = TOKEN},
     NULL,
     SASL_BADPARAM,
     NULL},
    {"a separator in a name", {.authcid = "al\001ice", .token = TOKEN}, NULL, SASL_BADPARAM, NULL},
    {"a line end in a name", {.authcid = "al\nice", .token = TOKEN}, NULL, SASL_BADPARAM, NULL},
    {"an empty token", {.authcid = "alice", .token = ""}, NULL, SASL_BADPARAM, NULL},
    {"a separator in the token",
     {.authcid = "alice", .token = "a\001auth=b"},
     NULL,
     SASL_BADPARAM,
     NULL},
    {"a line end behind the token",
     {.authcid = "alice", .token = TOKEN "\n"},
     NULL,
     SASL_BADPARAM,
     NULL},
    {"no token", {.authcid = "alice"}, NULL, SASL_NOMECH, NULL},
};

static void says_first(void **state)
{
    const struct first *expected = *state;
    const char *mechanism =
        expected->talk.mechanism != NULL ? expected->talk.mechanism : "OAUTHBEARER";
    struct talk_callbacks callbacks;
    sasl_conn_t *conn = NULL;
    const char *used = NULL;
    const char *out = NULL;
    const void *user = NULL;
    unsigned len = 0;
    int status = 0;

    talk_callbacks(&expected->talk, &callbacks);
    conn = stage_client("imap", callbacks.item);
    status = sasl_client_start(conn, mechanism, NULL, &out, &len, &used);
    if (expected->message == NULL) {
        assert_int_equal(status, expected->status);
    } else {
        assert_int_equal(status, SASL_CONTINUE);
        assert_int_equal(len, strlen(expected->message));
        assert_memory_equal(out, expected->message, len);
        assert_int_equal(sasl_client_step(conn, NULL, 0, NULL, &out, &len), SASL_OK);
        assert_int_equal(sasl_getprop(conn, SASL_USERNAME, &user), SASL_OK);
        assert_string_equal(user, expected->user);
    }
    sasl_dispose(&conn);
    talk_callbacks_free(&callbacks);
}

/* A connection that has said its first message. */
static sasl_conn_t *begun(const char *mechanism, struct talk_callbacks *callbacks)
{
    static const struct talk talk = {.authcid = "alice", .token = TOKEN};
    sasl_conn_t *conn = NULL;
    const char *used = NULL;
    const char *out = NULL;
    unsigned len = 0;

    talk_callbacks(&talk, callbacks);
    conn = stage_client("imap", callbacks->item);
    assert_int_equal(sasl_client_start(conn, mechanism, NULL, &out, &len, &used), SASL_CONTINUE);
    return conn;
}

/* What a server answers to the token, and whether the client takes it for an error message. */
struct answer {
    const char *mechanism;
    const char *text;
    int status;
};

static const struct answer answers[] = {
    {"OAUTHBEARER", "", SASL_OK},
    {"OAUTHBEARER", "{\"status\":\"invalid_token\"}", SASL_CONTINUE},
    {"OAUTHBEARER", " {\"scope\":\"a b\",\"status\":\"x\",\"more\":{\"a\":[1]}}\n", SASL_CONTINUE},
    {"XOAUTH2", "", SASL_OK},
    {"XOAUTH2", "{\"status\":\"401\",\"schemes\":\"bearer\"}", SASL_CONTINUE},
    {"OAUTHBEARER", "\001", SASL_BADPROT},
    {"OAUTHBEARER", "no", SASL_BADPROT},
    {"OAUTHBEARER", "{}", SASL_BADPROT},
    {"OAUTHBEARER", "[\"status\"]", SASL_BADPROT},
    {"OAUTHBEARER", "{\"status\":401}", SASL_BADPROT},
    {"OAUTHBEARER", "{\"status\":\"a\",\"status\":\"b\"}", SASL_BADPROT},
    {"OAUTHBEARER", "{\"status\":\"a\"} x", SASL_BADPROT},
    {"OAUTHBEARER", "{\"status\":\"a\",\"x\":[[[[[]]]]]}", SASL_BADPROT},
    {"OAUTHBEARER", "{\"status\":\"\377\"}", SASL_BADPROT},
};

static void hears_an_answer(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        struct talk_callbacks callbacks;
        sasl_conn_t *conn = begun(answers[i].mechanism, &callbacks);
        const char *out = NULL;
        unsigned len = 0;
        int status = sasl_client_step(conn, answers[i].text, (unsigned)strlen(answers[i].text),
                                      NULL, &out, &len);

        assert_int_equal(status, answers[i].status);
        if (status == SASL_CONTINUE) {
            assert_int_equal(len, 1);
            assert_memory_equal(out, "\001", 1);
            /* Whatever the server says now, it has refused. */
            assert_int_equal(sasl_client_step(conn, NULL, 0, NULL, &out, &len), SASL_BADAUTH);
        }
        if (status != SASL_OK)
            assert_int_not_equal(sasl_client_step(conn, NULL, 0, NULL, &out, &len), SASL_OK);
        sasl_dispose(&conn);
        talk_callbacks_free(&callbacks);
    }
}

/* One that is far too long is not even looked into; RFC 7628 has a few lines in it. */
static void hears_no_book(void **state)
{
    static const struct {
        size_t len;
        int status;
    } cases[] = {{8192, SASL_CONTINUE}, {8193, SASL_BADPROT}, {1 << 20, SASL_BADPROT}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char *text = test_format("{\"status\":\"a\"}%*s", (int)cases[i].len - 14, "");
        struct talk_callbacks callbacks;
        sasl_conn_t *conn = begun("OAUTHBEARER", &callbacks);
        const char *out = NULL;
        unsigned len = 0;

        assert_int_equal(strlen(text), cases[i].len);
        assert_int_equal(sasl_client_step(conn, text, (unsigned)cases[i].len, NULL, &out, &len),
                         cases[i].status);
        sasl_dispose(&conn);
        talk_callbacks_free(&callbacks);
        free(text);
    }
}

/* In a protocol without initial responses the server asks for the first message by nothing. */
static void speaks_first(void **state)
{
    static const struct talk talk = {.authcid = "alice", .token = TOKEN};
    static const struct {
        const char *text;
        int status;
    } cases[] = {{"", SASL_CONTINUE}, {"x", SASL_BADPROT}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct talk_callbacks callbacks;
        sasl_conn_t *conn = NULL;
        const char *used = NULL;
        const char *out = NULL;
        unsigned len = 0;

        talk_callbacks(&talk, &callbacks);
        conn = stage_client("imap", callbacks.item);
        assert_int_equal(sasl_client_start(conn, "OAUTHBEARER", NULL, NULL, NULL, &used),
                         SASL_CONTINUE);
        assert_int_equal(sasl_client_step(conn, cases[i].text, (unsigned)strlen(cases[i].text),
                                          NULL, &out, &len),
                         cases[i].status);
        if (cases[i].status == SASL_CONTINUE)
            assert_memory_equal(out, "n,a=alice,\001", 11);
        sasl_dispose(&conn);
        talk_callbacks_free(&callbacks);
    }
}

/* The port is known only where the application has said what it is connected to. */
static void leaves_out_an_unknown_port(void **state)
{
    static const struct talk talk = {.authcid = "alice", .token = TOKEN};
    static const char *const places[] = {NULL, "192.0.2.1;0", "192.0.2.1;65536", "2001:db8::1;",
                                         "192.0.2.1;14x"};
    static const char message[] = "n,a=alice,\001host=mail.lab\001" AUTH;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        struct talk_callbacks callbacks;
        sasl_conn_t *conn = NULL;
        const char *used = NULL;
        const char *out = NULL;
        unsigned len = 0;

        talk_callbacks(&talk, &callbacks);
        /* libsasl itself refuses some of these. */
        if (sasl_client_new("imap", "mail.lab", NULL, places[i], callbacks.item, 0, &conn) ==
            SASL_OK) {
            assert_int_equal(sasl_client_start(conn, "OAUTHBEARER", NULL, &out, &len, &used),
                             SASL_CONTINUE);
            assert_int_equal(len, sizeof(message) - 1);
            assert_memory_equal(out, message, len);
        }
        sasl_dispose(&conn);
        talk_callbacks_free(&callbacks);
    }
}

/* ------------------------------------------------------------------ prompts */

/* An application that has no answers, but asks its user. */
static const sasl_callback_t asking[] = {
    {SASL_CB_USER, NULL, NULL},
    {SASL_CB_AUTHNAME, NULL, NULL},
    {SASL_CB_PASS, NULL, NULL},
    {SASL_CB_LIST_END, NULL, NULL},
};

static void answer_prompt(sasl_interact_t *prompt, unsigned long id, const char *text)
{
    while (prompt->id != SASL_CB_LIST_END && prompt->id != id)
        prompt++;
    assert_int_equal(prompt->id, id);
    assert_non_null(prompt->prompt);
    prompt->result = text;
    prompt->len = (unsigned)strlen(text);
}

static void asks_for_all(void **state)
{
    static const char message[] = "n,a=bob,\001" PLACE AUTH;
    sasl_conn_t *conn = stage_client("imap", asking);
    sasl_interact_t *prompts = NULL;
    const char *used = NULL;
    const char *out = NULL;
    unsigned len = 0;

    (void)state;
    assert_int_equal(sasl_client_start(conn, "OAUTHBEARER", &prompts, &out, &len, &used),
                     SASL_INTERACT);
    assert_non_null(prompts);
    answer_prompt(prompts, SASL_CB_USER, "bob");
    answer_prompt(prompts, SASL_CB_AUTHNAME, "alice");
    answer_prompt(prompts, SASL_CB_PASS, TOKEN);
    assert_int_equal(prompts[3].id, SASL_CB_LIST_END);
    assert_int_equal(sasl_client_start(conn, "OAUTHBEARER", &prompts, &out, &len, &used),
                     SASL_CONTINUE);
    assert_null(prompts);
    assert_int_equal(len, sizeof(message) - 1);
    assert_memory_equal(out, message, len);
    sasl_dispose(&conn);
}

/* An answer that is empty is one: the user does not act as another. */
static void takes_an_empty_answer(void **state)
{
    static const char message[] = "user=alice\001" AUTH;
    sasl_conn_t *conn = stage_client("imap", asking);
    sasl_interact_t *prompts = NULL;
    const char *used = NULL;
    const char *out = NULL;
    unsigned len = 0;

    (void)state;
    assert_int_equal(sasl_client_start(conn, "XOAUTH2", &prompts, &out, &len, &used),
                     SASL_INTERACT);
    answer_prompt(prompts, SASL_CB_USER, "");
    answer_prompt(prompts, SASL_CB_AUTHNAME, "alice");
    answer_prompt(prompts, SASL_CB_PASS, TOKEN);
    assert_int_equal(sasl_client_start(conn, "XOAUTH2", &prompts, &out, &len, &used),
                     SASL_CONTINUE);
    assert_int_equal(len, sizeof(message) - 1);
    assert_memory_equal(out, message, len);
    sasl_dispose(&conn);
}

/* Nobody can be asked: a failure, not a message without a token. */
static void cannot_ask(void **state)
{
    sasl_conn_t *conn = stage_client("imap", asking);
    const char *used = NULL;
    const char *out = NULL;
    unsigned len = 0;

    (void)state;
    assert_int_equal(sasl_client_start(conn, "OAUTHBEARER", NULL, &out, &len, &used),
                     SASL_BADPARAM);
    sasl_dispose(&conn);
}

static int fail_to_give(sasl_conn_t *conn, void *context, int id, sasl_secret_t **out)
{
    (void)conn;
    (void)context;
    (void)id;
    (void)out;
    return SASL_NOMEM;
}

static void a_failing_callback_is_the_failure(void **state)
{
    static const sasl_callback_t callbacks[] = {
        {SASL_CB_PASS, (int (*)(void))(void (*)(void))fail_to_give, NULL},
        {SASL_CB_LIST_END, NULL, NULL},
    };
    sasl_conn_t *conn = stage_client("imap", callbacks);
    const char *used = NULL;
    const char *out = NULL;
    unsigned len = 0;

    (void)state;
    assert_int_equal(sasl_client_start(conn, "OAUTHBEARER", NULL, &out, &len, &used), SASL_NOMEM);
    sasl_dispose(&conn);
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
    static const struct CMUnitTest others[] = {
        cmocka_unit_test(hears_an_answer), cmocka_unit_test(hears_no_book),
        cmocka_unit_test(speaks_first),    cmocka_unit_test(leaves_out_an_unknown_port),
        cmocka_unit_test(asks_for_all),    cmocka_unit_test(takes_an_empty_answer),
        cmocka_unit_test(cannot_ask),      cmocka_unit_test(a_failing_callback_is_the_failure),
    };
    struct CMUnitTest tests[COUNT_OF(firsts) + COUNT_OF(others)];

    for (size_t i = 0; i < COUNT_OF(firsts); i++)
        tests[i] = (struct CMUnitTest){
            .name = firsts[i].name, .test_func = says_first, .initial_state = (void *)&firsts[i]};
    memcpy(tests + COUNT_OF(firsts), others, sizeof(others));
    return cmocka_run_group_tests_name("sasl client", tests, set_up, tear_down);
}
