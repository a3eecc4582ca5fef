/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose files count: root's and those of the user that the program runs as, but root's alone where
 * the program runs between two users. uid_wrapper makes the program believe in its users.
 */
#include "tests/pam/journal.h"
#include "tests/pam/stage.h"
#include "tests/pam/talk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SERVICE_UID 4242 /* whose files they are when root runs the tests */
#define OTHER_UID 4343

static struct stage *stage;
static uid_t owner;

struct rights {
    const char *name;
    uid_t real;
    uid_t effective;
    gid_t effective_group; /* 0: that of the program */
    int expected;
    const char *reason;
};

/* Zero stands for the owner of the files: known only when the program runs. */
static const struct rights cases[] = {
    {"files of one's own", 0, 0, 0, PAM_SUCCESS, "reason=ok"},
    {"files of the effective user, another one real", OTHER_UID, 0, 0, PAM_SERVICE_ERR,
     "reason=conf-insecure"},
    {"files of the real user, another one effective", 0, OTHER_UID, 0, PAM_SERVICE_ERR,
     "reason=conf-insecure"},
    {"files of another user", OTHER_UID, OTHER_UID, 0, PAM_SERVICE_ERR, "reason=conf-insecure"},
    {"files of one's own, another group effective", 0, 0, OTHER_UID, PAM_SERVICE_ERR,
     "reason=conf-insecure"},
};

static void log_in(void **state)
{
    const struct rights *rights = *state;
    uid_t real = rights->real != 0 ? rights->real : owner;
    uid_t effective = rights->effective != 0 ? rights->effective : owner;
    gid_t group = getgid();
    char *token = stage_token(stage, "alice");
    struct talk talk = {.answer = token};
    struct pam_conv conversation = talk_conversation(&talk);
    pam_handle_t *pamh = NULL;
    int status = 0;

    journal_reset();
    assert_int_equal(pam_start_confdir("login", "alice", &conversation, stage->pam_dir, &pamh),
                     PAM_SUCCESS);
    if (rights->effective_group != 0)
        assert_int_equal(setresgid(group, rights->effective_group, group), 0);
    assert_int_equal(setresuid(real, effective, (uid_t)0), 0);
    assert_int_equal(getuid(), real);
    assert_int_equal(geteuid(), effective);
    status = pam_authenticate(pamh, 0);
    assert_int_equal(setresuid((uid_t)-1, (uid_t)0, (uid_t)-1), 0);
    assert_int_equal(setresuid((uid_t)0, (uid_t)0, (uid_t)0), 0);
    assert_int_equal(setresgid(group, group, group), 0);
    if (journal_line(" elapsed=", rights->reason) == NULL)
        fail_msg("no line with %s in:\n%s", rights->reason, journal_text());
    assert_int_equal(status, rights->expected);
    assert_int_equal(pam_end(pamh, status), PAM_SUCCESS);
    free(token);
}

static int set_up(void **state)
{
    (void)state;
    stage = stage_open();
    stage_stack(stage, "login", "auth required @jwt@\n");
    owner = stage_owner(stage);
    if (owner == 0) {
        owner = SERVICE_UID;
        stage_give(stage, owner);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    stage_close(&stage);
    return 0;
}

#define CASES (sizeof(cases) / sizeof(cases[0]))

int main(int argc, char **argv)
{
    struct CMUnitTest tests[CASES] = {{0}};

    (void)argc;
    stage_preload(argv, "libuid_wrapper.so libnss_wrapper.so");
    for (size_t i = 0; i < CASES; i++)
        tests[i] = (struct CMUnitTest){.name = cases[i].name,
                                       .test_func = log_in,
                                       .initial_state = (void *)(uintptr_t)&cases[i]};
    return cmocka_run_group_tests_name("pam rights", tests, set_up, tear_down);
}
