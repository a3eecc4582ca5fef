/* SPDX-License-Identifier: BSD-2-Clause */
/* What a login leaves behind: one audit line with every field, and nowhere a copy of the token. */
#include "tests/pam/journal.h"
#include "tests/pam/stage.h"
#include "tests/pam/talk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#define ALONE "auth required @jwt@\n"
#define DEBUG "auth required @jwt@ debug\n"
#define WINDOW 12 /* characters in a row that may not appear */

static struct stage *stage;

/* A login; the journal has what was logged. */
static int login(const char *stack, const char *user, const char *answer, const char *remote)
{
    struct talk talk = {.answer = answer};
    struct pam_conv conversation = talk_conversation(&talk);
    pam_handle_t *pamh = NULL;
    int status = 0;

    journal_reset();
    stage_restore(stage);
    stage_stack(stage, "login", stack);
    assert_int_equal(pam_start_confdir("login", user, &conversation, stage->pam_dir, &pamh),
                     PAM_SUCCESS);
    assert_int_equal(pam_set_item(pamh, PAM_RHOST, remote), PAM_SUCCESS);
    status = pam_authenticate(pamh, 0);
    assert_int_equal(pam_end(pamh, status), PAM_SUCCESS);
    return status;
}

/* No part of the token, neither of its header nor payload nor signature, is in the journal. */
static void assert_no_part_of(const char *token)
{
    size_t len = strlen(token);

    assert_true(len > 200);
    for (size_t i = 0; i + WINDOW <= len; i++) {
        char part[WINDOW + 1] = "";

        memcpy(part, token + i, WINDOW);
        if (strstr(journal_text(), part) != NULL)
            fail_msg("\"%s\" of the token is in the log:\n%s", part, journal_text());
    }
}

/* The value of a field, up to the next blank, is not empty. */
static void assert_field(const char *line, const char *field, const char *value)
{
    char *name = test_format(" %s=", field);
    const char *at = strstr(line, name);

    if (at == NULL)
        fail_msg("no field %s in: %s", field, line);
    at += strlen(name);
    assert_true(*at != ' ' && *at != '\0');
    if (value != NULL && strncmp(at, value, strlen(value)) != 0)
        fail_msg("%s is not %s in: %s", field, value, line);
    free(name);
}

static void an_accepted_token_leaves_one_line(void **state)
{
    static const char *const fields[][2] = {
        {"result", "allowed"},
        {"reason", "ok "},
        {"service", "\"login\" "},
        {"user", "\"alice\" "},
        {"subject", "\"s-alice\" "},
        {"issuer", "\"https://idp.lab\" "},
        {"kid", "\"lab-1\" "},
        {"alg", "\"ES256\" "},
        {"token", NULL},
        {"remote", "\"192.0.2.7\" "},
        {"age", NULL},
        {"rule", NULL},
        {"elapsed", NULL},
    };
    char *token = stage_token(stage, "alice");
    char *prefix = test_format("<%d> pam_jwt(login:auth):", LOG_AUTHPRIV | LOG_INFO);
    const char *line = NULL;

    (void)state;
    assert_int_equal(login(ALONE, "alice", token, "192.0.2.7"), PAM_SUCCESS);
    line = journal_line(" elapsed=", "");
    assert_non_null(line);
    assert_ptr_equal(strstr(line, prefix), line);
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        assert_field(line, fields[i][0], fields[i][1]);
    assert_non_null(strstr(line, "jwtauth.yaml:"));
    assert_null(strstr(line, "id-alice"));
    assert_no_part_of(token);
    free(prefix);
    free(token);
}

static void a_refused_token_leaves_one_line(void **state)
{
    char *token = stage_token_for(stage, "alice", "https://login.lab", -90);
    char *prefix = test_format("<%d> pam_jwt(login:auth):", LOG_AUTHPRIV | LOG_NOTICE);
    const char *line = NULL;

    (void)state;
    assert_int_equal(login(ALONE, "alice", token, "192.0.2.7"), PAM_AUTH_ERR);
    line = journal_line("result=denied", "reason=expired");
    assert_non_null(line);
    assert_ptr_equal(strstr(line, prefix), line);
    assert_non_null(journal_line(" elapsed=", ""));
    assert_no_part_of(token);
    free(prefix);
    free(token);
}

/* What stands in no valid token: each is refused, and none is copied to the log. */
static void hostile_tokens_leave_no_part(void **state)
{
    char *good = stage_token(stage, "alice");
    char *doubled = test_format("%s%s", good, strrchr(good, '.') + 1);
    char *cut = test_format("%.*s", (int)strlen(good) - 1, good);
    char *swapped = test_format("%.*s.%s", (int)(strchr(good, '.') - good), good, good);
    char *in_kid = test_format("{\"alg\":\"ES256\",\"kid\":\"%s\"}", good);
    char *kid = test_sign(stage->key, in_kid, "{\"iss\":\"https://idp.lab\"}");
    char *const tokens[] = {doubled, cut, swapped, kid};

    (void)state;
    for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
        assert_int_equal(login(DEBUG, "alice", tokens[i], NULL), PAM_AUTH_ERR);
        assert_no_part_of(good);
        assert_no_part_of(tokens[i]);
    }
    free(doubled);
    free(cut);
    free(swapped);
    free(in_kid);
    free(kid);
    free(good);
}

static void a_password_is_not_logged(void **state)
{
    (void)state;
    assert_int_equal(login(ALONE, "alice", "correct-horse-battery", NULL), PAM_AUTH_ERR);
    assert_null(strstr(journal_text(), "horse"));
    assert_non_null(journal_line("): result=none service=\"login\" user=\"alice\" remote=-",
                                 " detail=no token was given: the answer is no token; left to"));
}

static void names_from_outside_make_no_lines(void **state)
{
    char *token = stage_token(stage, "alice");

    (void)state;
    assert_int_equal(login(ALONE, "alice", token, "h\n<38> sshd: Accepted for root\x1b[2J"),
                     PAM_SUCCESS);
    assert_null(strstr(journal_text(), "\n<38>"));
    assert_null(strchr(journal_text(), '\x1b'));
    assert_int_equal(login(ALONE, "al\nice", token, NULL), PAM_USER_UNKNOWN);
    assert_null(strstr(journal_text(), "al\nice"));
    free(token);
}

/* Where the argument debug is not given, no line of that level is written. */
static void debug_lines_need_debug(void **state)
{
    char *level = test_format("<%d>", LOG_AUTHPRIV | LOG_DEBUG);
    char *token = stage_token(stage, "alice");

    (void)state;
    assert_int_equal(login(ALONE, "alice", token, NULL), PAM_SUCCESS);
    assert_null(strstr(journal_text(), level));
    assert_int_equal(login(DEBUG, "alice", token, NULL), PAM_SUCCESS);
    assert_non_null(strstr(journal_text(), level));
    free(level);
    free(token);
}

/* A sanitizer's own memory is too much to be looked through, and keeps what was freed. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#elif defined(__has_feature)
#define SANITIZED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define SANITIZED false
#endif

/* --- copies in memory ----------------------------------------------------------------------- */

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

static int answer_unmasked(int count, const struct pam_message **message, struct pam_response **out,
                           void *context)
{
    struct pam_response *response = calloc((size_t)count, sizeof(*response));

    (void)message;
    (void)context;
    if (response == NULL)
        return PAM_BUF_ERR;
    response[0].resp = calloc(1, masked_len + 1);
    if (response[0].resp == NULL) {
        free(response);
        return PAM_BUF_ERR;
    }
    for (size_t i = 0; i < masked_len; i++)
        response[0].resp[i] = (char)(masked[i] ^ MASK);
    copies_while_asked = count_copies();
    *out = response;
    return PAM_SUCCESS;
}

/* Makes a token in a child and takes over its masked bytes. */
static void make_masked(long expires_in)
{
    int ends[2] = {-1, -1};
    pid_t child = -1;
    ssize_t got = 0;
    int status = 0;

    assert_int_equal(pipe(ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char *token = stage_token_for(stage, "alice", "https://login.lab", expires_in);
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

static void no_copy_stays_in_memory(void **state)
{
    static const struct {
        long expires_in;
        int expected;
    } cases[] = {{300, PAM_SUCCESS}, {-90, PAM_AUTH_ERR}};
    struct pam_conv conversation = {.conv = answer_unmasked};

    (void)state;
    if (SANITIZED)
        skip();
    stage_restore(stage);
    stage_stack(stage, "login", ALONE);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        pam_handle_t *pamh = NULL;

        make_masked(cases[i].expires_in);
        assert_int_equal(count_copies(), 0);
        assert_int_equal(pam_start_confdir("login", "alice", &conversation, stage->pam_dir, &pamh),
                         PAM_SUCCESS);
        assert_int_equal(pam_authenticate(pamh, 0), cases[i].expected);
        assert_int_equal(copies_while_asked, 1);
        assert_int_equal(count_copies(), 0);
        assert_int_equal(pam_end(pamh, PAM_SUCCESS), PAM_SUCCESS);
    }
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

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_accepted_token_leaves_one_line),
        cmocka_unit_test(a_refused_token_leaves_one_line),
        cmocka_unit_test(hostile_tokens_leave_no_part),
        cmocka_unit_test(a_password_is_not_logged),
        cmocka_unit_test(names_from_outside_make_no_lines),
        cmocka_unit_test(debug_lines_need_debug),
        cmocka_unit_test(no_copy_stays_in_memory),
    };

    (void)argc;
    stage_preload(argv, "libnss_wrapper.so");
    return cmocka_run_group_tests_name("pam traces", tests, set_up, tear_down);
}
