/* SPDX-License-Identifier: BSD-2-Clause */
/* What an exchange leaves behind: an audit line, and no copy of the token, no memory, no file. */
#include "tests/pam/journal.h"
#include "tests/sasl/stage.h"
#include "tests/sasl/talk.h"
#include "tests/unit/check.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#define WINDOW 12 /* characters in a row that may not appear */
#define LOGINS 2000

static struct stage *stage;

/* A sanitizer's own memory is too much to be looked through, and keeps what was freed. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#elif defined(__has_feature)
#define SANITIZED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define SANITIZED false
#endif

/* ------------------------------------------------------------------ the log */

/* No part of the token, neither of its header nor payload nor signature. */
static void assert_no_part(const char *text, const char *token)
{
    size_t len = strlen(token);

    assert_true(len > 200);
    for (size_t i = 0; i + WINDOW <= len; i++) {
        char part[WINDOW + 1] = "";

        memcpy(part, token + i, WINDOW);
        if (strstr(text, part) != NULL)
            fail_msg("\"%s\" of the token is in: %s", part, text);
    }
}

static void leaves_one_line(void **state)
{
    static const char *const fields[] = {
        " reason=ok ",       " service=\"proxy\" ", " user=\"alice\" ",       " authzid=\"bob\" ",
        " subject=\"s-1\" ", " kid=\"lab-1\" ",     " remote=\"192.0.2.7\" ", " rule=",
        " elapsed=",
    };
    const struct claims claims = {.roles = "[\"mail-admin\"]"};
    char *token = stage_token(stage, &claims);
    char *prefix = test_format("<%d> jwtauth(sasl): result=allowed", LOG_AUTHPRIV | LOG_INFO);
    const struct talk talk = {
        .service = "proxy", .authcid = "alice", .authzid = "bob", .token = token};
    const char *line = NULL;

    (void)state;
    journal_reset();
    stage_proxy_policy(true);
    assert_int_equal(talk_status(&talk), SASL_OK);
    stage_proxy_policy(false);
    line = journal_line("result=", "");
    assert_non_null(line);
    assert_ptr_equal(strstr(line, prefix), line);
    for (size_t i = 0; i < COUNT_OF(fields); i++)
        assert_non_null(strstr(line, fields[i]));
    assert_no_part(journal_text(), token);
    free(prefix);
    free(token);
}

static void a_refusal_leaves_one_line(void **state)
{
    const struct claims claims = {.expires_in = -90};
    char *token = stage_token(stage, &claims);
    char *prefix = test_format("<%d> jwtauth(sasl): result=denied", LOG_AUTHPRIV | LOG_NOTICE);
    const struct talk talk = {.token = token};
    struct outcome outcome;
    const char *line = NULL;

    (void)state;
    journal_reset();
    talk_exchange(&talk, &outcome);
    assert_int_equal(outcome.server, SASL_BADAUTH);
    line = journal_line("reason=expired", "");
    assert_non_null(line);
    assert_ptr_equal(strstr(line, prefix), line);
    assert_non_null(journal_line("result=", ""));
    assert_no_part(journal_text(), token);
    assert_no_part(outcome.error, token);
    assert_no_part(stage_log(), token);
    sasl_dispose(&outcome.conn);
    free(prefix);
    free(token);
}

/* A token where it does not belong is not copied into the log either. */
static void a_misplaced_token_is_not_logged(void **state)
{
    static const struct {
        const char *mechanism;
        const char *format;
    } cases[] = {
        {"OAUTHBEARER", "%s"},
        {"OAUTHBEARER", "n,,\001%s=x\001\001"},
        {"OAUTHBEARER", "n,,\001host=%s\001\001"},
        {"OAUTHBEARER", "n,,\001auth=%s\001\001"},
        {"OAUTHBEARER", "n,,\001auth=Basic %s\001\001"},
        {"OAUTHBEARER", "n,,\001auth=Bearer %s\001x\001"},
        {"XOAUTH2", "user=alice\001auth=Bearer %s\001"},
    };
    char *token = stage_token(stage, NULL);

    (void)state;
    journal_reset();
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char *message = NULL;
        sasl_conn_t *conn = stage_server("imap");
        const char *out = NULL;
        unsigned len = 0;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        message = test_format(cases[i].format, token);
#pragma GCC diagnostic pop
        assert_int_not_equal(sasl_server_start(conn, cases[i].mechanism, message,
                                               (unsigned)strlen(message), &out, &len),
                             SASL_OK);
        sasl_dispose(&conn);
        free(message);
    }
    assert_no_part(journal_text(), token);
    assert_no_part(stage_log(), token);
    free(token);
}

/* ------------------------------------------------------------------ memory */

#define MASK 0x5a
#define PIECE 40 /* bytes of the signature that are looked for */
#define SECRET_MAX 4096

/* A token that is nowhere in this process but where it was put: masked, and made by a child. */
static unsigned char masked[SECRET_MAX];
static size_t masked_len;
static size_t copies_while_asked;

/* Counts the copies of the end of the token, by looking through all memory that can be written. */
static size_t count_copies(void)
{
    const unsigned char *piece = masked + masked_len - PIECE;
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512] = "";
    size_t count = 0;

    assert_non_null(maps);
    while (fgets(line, sizeof(line), maps) != NULL) {
        char *rest = NULL;
        uintptr_t start = strtoull(line, &rest, 16);
        uintptr_t stop = strtoull(rest + 1, &rest, 16);

        if (strncmp(rest, " rw", 3) != 0 || strstr(line, "[vvar") != NULL)
            continue;
        for (uintptr_t at = start; at + PIECE <= stop; at++) {
            const unsigned char *byte = (const unsigned char *)at;
            size_t same = 0;

            while (same < PIECE && byte[same] == (piece[same] ^ MASK))
                same++;
            count += same == PIECE;
        }
    }
    (void)fclose(maps);
    return count;
}

/* Makes a token in a child and takes over its masked bytes. */
static void make_masked(const struct claims *claims)
{
    int ends[2] = {-1, -1};
    pid_t child = -1;
    ssize_t got = 0;
    int status = 0;

    assert_int_equal(pipe(ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char *token = stage_token(stage, claims);
        size_t len = strlen(token);

        for (size_t i = 0; i < len; i++)
            token[i] = (char)(token[i] ^ MASK);
        _exit(write(ends[1], token, len) == (ssize_t)len ? 0 : 1);
    }
    (void)close(ends[1]);
    masked_len = 0;
    while ((got = read(ends[0], masked + masked_len, SECRET_MAX - masked_len)) > 0)
        masked_len += (size_t)got;
    (void)close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_true(masked_len > 200);
}

/* The application's own copy, which it wipes when the client has spoken. */
static sasl_secret_t *secret;

static int give_secret(sasl_conn_t *conn, void *context, int id, sasl_secret_t **out)
{
    (void)conn;
    (void)context;
    (void)id;
    secret = calloc(1, sizeof(*secret) + masked_len);
    if (secret == NULL)
        return SASL_NOMEM;
    secret->len = masked_len;
    for (size_t i = 0; i < masked_len; i++)
        secret->data[i] = masked[i] ^ MASK;
    copies_while_asked = count_copies();
    *out = secret;
    return SASL_OK;
}

static int give_alice(void *context, int id, const char **result, unsigned *len)
{
    (void)context;
    (void)id;
    *result = "alice";
    if (len != NULL)
        *len = 5;
    return SASL_OK;
}

/*
 * An exchange of which libsasl, too, keeps nothing: after it the client is told, its connection
 * goes first, then the server's.
 */
static int exchange_masked(const char *mechanism, sasl_conn_t **server)
{
    static const sasl_callback_t callbacks[] = {
        {SASL_CB_AUTHNAME, (int (*)(void))(void (*)(void))give_alice, NULL},
        {SASL_CB_PASS, (int (*)(void))(void (*)(void))give_secret, NULL},
        {SASL_CB_LIST_END, NULL, NULL},
    };
    sasl_conn_t *client = stage_client("imap", callbacks);
    const char *used = NULL;
    const char *sent = NULL;
    const char *said = NULL;
    unsigned sent_len = 0;
    unsigned said_len = 0;
    int status = SASL_FAIL;

    *server = stage_server("imap");
    assert_int_equal(sasl_client_start(client, mechanism, NULL, &sent, &sent_len, &used),
                     SASL_CONTINUE);
    explicit_bzero(secret->data, secret->len);
    free(secret);
    secret = NULL;
    status = sasl_server_start(*server, mechanism, sent, sent_len, &said, &said_len);
    assert_true(count_copies() >= 1);
    (void)sasl_client_step(client, said, said_len, NULL, &sent, &sent_len);
    /* The server answers nothing yet, and the client has forgotten already. */
    assert_int_equal(count_copies(), 0);
    if (status == SASL_CONTINUE)
        status = sasl_server_step(*server, sent, sent_len, &said, &said_len);
    sasl_dispose(&client);
    return status;
}

static void no_copy_stays_in_memory(void **state)
{
    static const struct {
        const char *mechanism;
        struct claims claims;
        int expected;
    } cases[] = {
        {"OAUTHBEARER", {0}, SASL_OK},
        {"XOAUTH2", {0}, SASL_OK},
        {"OAUTHBEARER", {.expires_in = -90}, SASL_BADAUTH},
        {"XOAUTH2", {.roles = "[]"}, SASL_NOAUTHZ},
    };

    (void)state;
    if (SANITIZED)
        skip();
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        sasl_conn_t *server = NULL;

        make_masked(&cases[i].claims);
        assert_int_equal(count_copies(), 0);
        assert_int_equal(exchange_masked(cases[i].mechanism, &server), cases[i].expected);
        assert_int_equal(copies_while_asked, 1);
        assert_int_equal(count_copies(), 0);
        sasl_dispose(&server);
        assert_int_equal(count_copies(), 0);
    }
}

/* A client that is given up before the server has answered. */
static void no_copy_stays_of_an_exchange_given_up(void **state)
{
    static const sasl_callback_t callbacks[] = {
        {SASL_CB_PASS, (int (*)(void))(void (*)(void))give_secret, NULL},
        {SASL_CB_LIST_END, NULL, NULL},
    };
    sasl_conn_t *client = stage_client("imap", callbacks);
    const char *used = NULL;
    const char *sent = NULL;
    unsigned len = 0;

    (void)state;
    if (SANITIZED) {
        sasl_dispose(&client);
        skip();
    }
    make_masked(NULL);
    assert_int_equal(sasl_client_start(client, "OAUTHBEARER", NULL, &sent, &len, &used),
                     SASL_CONTINUE);
    explicit_bzero(secret->data, secret->len);
    free(secret);
    secret = NULL;
    assert_int_equal(count_copies(), 1);
    sasl_dispose(&client);
    assert_int_equal(count_copies(), 0);
}

/* ------------------------------------------------------------------ many in one process */

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

/* Resident memory in kB. */
static long resident(void)
{
    FILE *status = fopen("/proc/self/status", "r");
    char line[256] = "";
    long size = -1;

    assert_non_null(status);
    while (fgets(line, sizeof(line), status) != NULL) {
        if (strncmp(line, "VmRSS:", 6) == 0)
            size = strtol(line + 6, NULL, 10);
    }
    (void)fclose(status);
    assert_true(size > 0);
    return size;
}

static void many_logins_leave_nothing(void **state)
{
    const struct claims old = {.expires_in = -90};
    char *good = stage_token(stage, NULL);
    char *bad = stage_token(stage, &old);
    const struct talk logins[] = {
        {.token = good},
        {.mechanism = "XOAUTH2", .authcid = "alice", .token = good},
        {.token = bad},
        {.service = "told", .token = good},
    };
    static const int expected[] = {SASL_OK, SASL_OK, SASL_BADAUTH, SASL_OK};
    size_t descriptors = 0;
    long memory = 0;

    (void)state;
    for (size_t i = 0; i < LOGINS; i++) {
        if (i == LOGINS / 10) {
            descriptors = open_descriptors();
            memory = resident();
        }
        journal_reset();
        assert_int_equal(talk_status(&logins[i % COUNT_OF(logins)]),
                         expected[i % COUNT_OF(logins)]);
    }
    assert_int_equal(open_descriptors(), descriptors);
    /* A hundred bytes a login would be 176. */
    if (!SANITIZED)
        assert_true(resident() - memory <= 100);
    free(good);
    free(bad);
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
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaves_one_line),
        cmocka_unit_test(a_refusal_leaves_one_line),
        cmocka_unit_test(a_misplaced_token_is_not_logged),
        cmocka_unit_test(no_copy_stays_in_memory),
        cmocka_unit_test(no_copy_stays_of_an_exchange_given_up),
        cmocka_unit_test(many_logins_leave_nothing),
    };

    return cmocka_run_group_tests_name("sasl leftovers", tests, set_up, tear_down);
}
